"""The words that move a score: VADER's lexicon, read from its package's file, and how often each of
its words stands in many texts.

Words are compared eight bytes at a time, in columns: a text costs about a microsecond.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# all bytes but letters, digits, apostrophe and hyphen part two words
_PARTS = bytes(
    ord(chr(byte).lower()) if byte < 128 and (chr(byte).isalnum() or chr(byte) in "'-") else 0
    for byte in range(256)
)
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)")
_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*")
_PIECE, _PIECES = 8, 3
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(_PIECE + 1)], np.uint64)
_FACTORS = np.array([[0x9E3779B97F4A7C15], [0xC2B2AE3D27D4EB4F], [0x165667B19E3779F9]], np.uint64)
_SLOT_BITS = 17  # few of the slots are taken: most words are known by one look
_SLOTS = 1 << _SLOT_BITS

Numbers = NDArray[np.int64]
_Keys = NDArray[np.uint64]


class _Table(NamedTuple):
    words: list[str]
    pieces: list[_Keys]  # the words' first, second and third eight bytes
    firsts: NDArray[np.bool_]  # whether a word's first eight bytes lead here
    slots: Numbers  # number of the word that lies here, -1 for none


@cache
def lexicon() -> dict[str, float]:
    """The lexicon's words, without its emoticons, and what each adds to a score (-4 to 4)."""
    spec = find_spec("vaderSentiment")
    if spec is None or not spec.submodule_search_locations:
        return {}
    file = Path(spec.submodule_search_locations[0]) / "vader_lexicon.txt"
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return {row[0]: float(row[1]) for row in rows if len(row) > 1 and _WORD.fullmatch(row[0])}


def counted(texts: list[bytes], groups: Numbers) -> list[tuple[int, str, int]]:
    """(group, word, count) of the lexicon's words in the texts, each of which is a JSON string's
    bytes and belongs to the group of its place in `groups`."""
    joined, table = b"\n".join(texts), _table()  # no JSON string has a newline in it
    bounds = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord("\n"))
    if b"\\" in joined:
        joined = _ESCAPE.sub(lambda found: b" " * len(found[0]), joined)
    parted = joined.translate(_PARTS) + bytes(_PIECE * _PIECES + 1)
    inside = np.frombuffer(parted, np.uint8) != 0
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1  # the first byte is a quotation mark
    starts = edges[::2]
    known = _known(parted, starts, edges[1::2] - starts, table)
    starts, known = starts[known >= 0], known[known >= 0]
    words_of = np.diff(np.searchsorted(starts, bounds), prepend=0, append=len(starts))
    groups = np.repeat(groups, words_of)
    pairs, counts = np.unique(groups * len(table.words) + known, return_counts=True)
    numbers, words = np.divmod(pairs, max(len(table.words), 1))
    names = [table.words[word] for word in words.tolist()]
    return list(zip(numbers.tolist(), names, counts.tolist(), strict=True))


def _piece(data: bytes, starts: Numbers, lengths: Numbers, number: int) -> _Keys:
    """A piece of each word as a number; 0 beyond its end."""
    at = np.ndarray((len(data) - _PIECE + 1,), "<u8", data, 0, (1,))
    if number:
        starts, lengths = starts + number * _PIECE, np.maximum(lengths - number * _PIECE, 0)
    keys: _Keys = at[starts] & _MASKS[np.minimum(lengths, _PIECE)]
    return keys


def _slot(pieces: list[_Keys]) -> Numbers:
    """Where the search for these words begins."""
    mixed = pieces[0] * _FACTORS[0]
    for number in range(1, len(pieces)):
        mixed ^= pieces[number] * _FACTORS[number]
    slots: Numbers = (mixed >> np.uint64(64 - _SLOT_BITS)).astype(np.int64)
    return slots


def _known(data: bytes, starts: Numbers, lengths: Numbers, table: _Table) -> Numbers:
    """The number of each word, -1 where it is none of the lexicon's."""
    first = np.flatnonzero(table.firsts[_slot([_piece(data, starts, lengths, 0)])])
    first = first[lengths[first] <= _PIECE * _PIECES]
    out, starts, lengths = np.full(len(starts), -1), starts[first], lengths[first]
    pieces = [_piece(data, starts, lengths, number) for number in range(_PIECES)]
    slots, rows = _slot(pieces), np.arange(len(first))
    while len(rows):
        found = table.slots[slots]
        same = np.ones(len(rows), bool)
        for mine, known in zip(pieces, table.pieces, strict=True):
            same &= known[found] == mine[rows]
        out[first[rows[same]]] = found[same]
        left = ~same & (found >= 0)
        rows, slots = rows[left], (slots[left] + 1) % _SLOTS
    return out


@cache
def _table() -> _Table:
    words = [word for word in lexicon() if len(word) <= _PIECE * _PIECES]
    data = b" ".join(word.encode() for word in words) + bytes(_PIECE * _PIECES)
    lengths = np.array([len(word) for word in words], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    pieces = [_piece(data, starts, lengths, number) for number in range(_PIECES)]
    firsts, slots = np.zeros(_SLOTS, bool), np.full(_SLOTS, -1)
    firsts[_slot(pieces[:1])] = True
    for number, slot in enumerate(_slot(pieces).tolist()):
        while slots[slot] >= 0:
            slot = (slot + 1) % _SLOTS
        slots[slot] = number
    return _Table(words, pieces, firsts, slots)
