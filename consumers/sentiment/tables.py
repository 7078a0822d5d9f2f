"""The lexicon as arrays, for the kernel."""

import string
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers.compiled import words
from consumers.compiled.blocks import BLOCK
from consumers.sentiment.lexicon import emojis, lexicon

Array = NDArray[Any]

# A code point beyond ASCII is one byte in the kernel's copy of a text, so that bytes count code
# points. No word of the lexicon has one, except that the Kelvin sign's lower case is a plain "k";
# what matters of the rest is its case.
OTHER, UPPER, LOWER = 0x80, 0x81, 0x82
CODE_POINTS = 0x20000  # no interpreter knows a space, an emoji or upper and lower case beyond
DESCRIBED = 256  # a code from here on is an emoji's number
SLOTS_BITS = 15


class Tables(NamedTuple):
    """The first seven are the columns of lexicon.Lexicon, by the same names."""

    valence: Array
    booster: Array
    negator: Array
    pairs: Array
    triples: Array
    idiom: Array
    dampener: Array
    keys: Array  # words.table()'s
    slots: Array
    code: Array  # by code point: the byte that stands for it, or DESCRIBED + an emoji's number
    # the descriptions' bytes, and a block behind them that is read but counts for nothing
    described: Array
    starts: Array  # where an emoji's description starts in them; the next one's start is its end
    case: Array  # by byte: 0, UPPER or LOWER
    punctuation: Array  # by byte


@cache
def tables() -> Tables:
    """Takes about 0.1 s, once per process."""
    known = lexicon()
    keys, slots = words.table([(word, 0) for word in known.numbers], SLOTS_BITS)
    code = _codes()
    described = [
        bytes(int(code[ord(letter)]) for letter in description) for description in emojis().values()
    ]
    if max(map(len, described)) > BLOCK:
        raise RuntimeError(f"an emoji's description is longer than the kernel's {BLOCK} bytes")
    for number, emoji in enumerate(emojis()):
        code[ord(emoji)] = DESCRIBED + number
    case = np.zeros(256, np.uint8)
    case[ord("A") : ord("Z") + 1] = case[UPPER] = UPPER
    case[ord("a") : ord("z") + 1] = case[LOWER] = LOWER
    punctuation = np.zeros(256, np.uint8)
    punctuation[list(string.punctuation.encode())] = 1
    return Tables(  # type: ignore[call-arg]
        *map(np.array, known[1:]),
        keys,
        slots,
        code,
        np.frombuffer(b"".join(described) + bytes(BLOCK), np.uint8).copy(),
        np.cumsum([0, *map(len, described)]),
        case,
        punctuation,
    )


def _codes() -> Array:
    """The byte for each code point, by the Unicode data of the interpreter that runs: its isupper()
    is the reference's."""
    code = np.full(CODE_POINTS, OTHER, np.uint16)
    for point in range(CODE_POINTS):
        character = chr(point)
        if character.isspace():
            code[point] = ord(" ")
        elif point < 128:
            code[point] = point
        elif len(character.lower()) == 1 and character.lower().isascii():
            code[point] = ord(character.lower().upper())
        elif character.isupper():
            code[point] = UPPER
        elif character.islower() or character.istitle():
            code[point] = LOWER
    return code
