"""A hash table from short ASCII words to numbers, for compiled code: it reads eight bytes at a time
and makes no object.

A word's key is three numbers of eight bytes: 22 bytes of text, the group that the word is in, and
its length. So "bad" and "bad" with a NUL behind it are two words, and so is one name in two groups.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.compiled import jitable
from consumers.compiled.blocks import eight

LONGEST = 22  # bytes of a word
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
WORD = 2**64 - 1

# numba mixes int64 and uint64 to float64: what meets a key is uint64 from the start
FIRST, SECOND, THIRD = map(np.uint64, MULTIPLIERS)
NOTHING, HALF, BEHIND_TEXT = np.uint64(0), np.uint64(32), np.uint64(48)
# KEEP[n] masks the first n bytes of eight
KEEP = np.array([2 ** (8 * size) - 1 for size in range(9)], np.uint64)


def table(
    words: Sequence[tuple[str, int]], bits: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """The keys of each (word, group), whose number is its place in `words`, and 2**bits slots.

    "" has a number but no slot; the first word must be "", because find() says 0 for no word. A
    group is below 256. Raises RuntimeError for a word that has no key.
    """
    keys = np.zeros((len(words), 3), np.uint64)
    slots = np.zeros(1 << bits, np.uint16)
    for number, (word, group) in enumerate(words):
        if not word:
            continue
        if not word.isascii() or len(word) > LONGEST:
            raise RuntimeError(f"{word!r} is not ASCII of at most {LONGEST} bytes")
        padded = word.encode().ljust(LONGEST, b"\0") + bytes([group, len(word)])
        parts = [int.from_bytes(padded[at : at + 8], "little") for at in (0, 8, 16)]
        mixed = 0
        for part, multiplier in zip(parts, MULTIPLIERS, strict=True):
            mixed ^= part * multiplier & WORD
        slot = ((mixed ^ mixed >> 32) * MULTIPLIERS[0] & WORD) >> 32 & len(slots) - 1
        while slots[slot]:
            slot = (slot + 1) % len(slots)
        keys[number], slots[slot] = parts, number
    return keys.reshape(-1), slots


@jitable
def find(data, at, size, group, keys, slots):
    """The number of the word data[at : at + size] in this group, or 0. Eight bytes behind the word
    must be there to read."""
    if size > LONGEST:
        return 0
    one = eight(data, at) & KEEP[min(size, 8)]
    two, three = NOTHING, np.uint64(size << 8 | group) << BEHIND_TEXT
    if size > 8:
        two = eight(data, at + 8) & KEEP[min(size - 8, 8)]
        if size > 16:
            three |= eight(data, at + 16) & KEEP[size - 16]
    mixed = one * FIRST ^ two * SECOND ^ three * THIRD
    last = len(slots) - 1
    slot = np.int64((mixed ^ mixed >> HALF) * FIRST >> HALF) & last
    while True:
        word = np.int64(slots[slot])
        if word == 0 or (
            keys[3 * word] == one and keys[3 * word + 1] == two and keys[3 * word + 2] == three
        ):
            return word
        slot = (slot + 1) & last
