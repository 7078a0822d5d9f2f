"""The table of words finds each word in its group, and nothing else."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from consumers.compiled import words

GIVEN = [("", 0), ("id", 3), ("id", 4), ("text", 3), ("w" * 22, 3), ("bad", 0), ("w" * 17, 5)]


@njit
def _find(data: Any, size: Any, group: Any, keys: Any, slots: Any) -> Any:
    return words.find(data, 1, size, group, keys, slots)


def find(text: bytes, group: int, keys: Any, slots: Any) -> int:
    """The word's number; bytes before and behind it are not part of it."""
    data = np.frombuffer(b"i" + text + b"idtext" * 5, np.uint8).copy()
    return int(_find(data, len(text), group, keys, slots))


@pytest.mark.parametrize("bits", [3, 8])
def test_a_word_is_found_in_its_group_only(bits: int) -> None:
    """With three bits nearly every slot is taken, so that words must look further."""
    keys, slots = words.table(GIVEN, bits)
    for number, (word, group) in enumerate(GIVEN[1:], 1):
        assert find(word.encode(), group, keys, slots) == number
        assert find(word.encode(), group + 7, keys, slots) == 0
        for other in (word + "\0", word + "x", word[:-1], word[:-1] + "\0"):
            assert find(other.encode(), group, keys, slots) == 0, other


def test_no_other_group_can_be_spelled() -> None:
    """The group is in the key beside the 22nd byte: no byte of a longer name reaches it."""
    keys, slots = words.table(GIVEN, 8)
    for byte in range(256):
        name = b"w" * 17 + b"\0" * 5
        assert find(name + bytes([byte]), 0, keys, slots) == 0
        assert find(name[:21] + bytes([byte]), 5, keys, slots) == 0


@pytest.mark.parametrize("word", ["w" * 23, "ü"])
def test_a_word_without_a_key_is_refused(word: str) -> None:
    with pytest.raises(RuntimeError, match="not ASCII of at most 22 bytes"):
        words.table([("", 0), (word, 0)], 8)
