"""The kernel: many texts in one call, four numbers for each. What it does is in tokens.py and
rules.py."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba  # type: ignore[import-untyped, import-not-found, unused-ignore]
import numpy as np
from numba import types

from consumers.compiled import jit, jitable
from consumers.compiled.blocks import borrowed
from consumers.sentiment.rules import emphasis, shares, weigh
from consumers.sentiment.tables import tables
from consumers.sentiment.tokens import ROOM, ascii_only, copy, expanded, number, split

# two bytes of an emoji to a space and a block of description: what needs no counting
LARGEST_GROWTH = 33
MIX, FOLD = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


class Scratch(NamedTuple):
    """What one text needs while it is scored; made once per call, and made larger for a text that
    needs more."""

    text: Any
    low: Any
    edges: Any
    primes: Any
    words: Any
    hits: Any
    values: Any
    places: Any


@cache
def scorer() -> Callable[..., None]:
    """score(), compiled and with the lexicon as its `t`. It lets other threads run meanwhile."""
    known = tables()
    # Read-only takes both kinds of array: np.frombuffer(bytes) is one.
    data = types.Array(types.uint8, 1, "C", readonly=True)
    places = types.Array(types.int64, 1, "C", readonly=True)
    signature = types.int64(
        data, places, places, types.boolean, numba.typeof(known), types.float64[:, ::1]
    )
    run = jit.kernel(score, signature, (Path(__file__).parent,))
    return lambda texts, starts, ends, compensated, out: run(
        texts, starts, ends, compensated, known, out
    )


def score(data, starts, ends, compensated, t, out):
    """Score the texts data[starts[k]:ends[k]], UTF-8, into `out`: its rows are compound, neg, neu
    and pos."""
    owned, t = _scratch(32768), borrowed(t)
    s = borrowed(owned)
    for k in range(len(starts)):
        start, end = starts[k], ends[k]
        size = end - start
        plain = ascii_only(data, start, end)
        if not plain and len(s.text) < size * LARGEST_GROWTH + ROOM:
            size = expanded(data, start, end, s.text, False, t)
        if len(s.text) < size + ROOM:
            owned = _scratch(2 * size)
            s = borrowed(owned)
        size = (
            copy(data, start, end, s.text) if plain else expanded(data, start, end, s.text, True, t)
        )
        _score(s, size, compensated, t, out, k)
    return len(owned.text)  # a use at the end keeps the owner alive up to here


@jitable
def _scratch(size):
    half = size // 2 + 4
    return Scratch(
        np.empty(size + ROOM, np.uint8),
        np.empty(size + ROOM, np.uint8),
        np.empty(size + 8, np.int32),
        np.empty(size + 8, np.int32),
        np.empty(half, np.int32),
        np.empty(half, np.int32),
        np.empty(half, np.float64),
        np.empty(half, np.int32),
    )


@jitable
def _score(s, size, compensated, t, out, k):
    count, primes, bangs, questions = split(s, size)
    hits, capitals, but = number(s, count, primes, t)
    out[0, k] = out[1, k] = out[3, k] = 0.0
    out[2, k] = 1.0 if count > 0 else 0.0
    if hits == 0:
        return
    weighed = weigh(s.words, s.hits, hits, 0 < capitals < count, t, s.values, s.places)
    if but >= 0 and weighed > 0:
        contrast(s.values[:weighed], s.places, but)
    added = emphasis(bangs, questions)
    compound, neg, neu, pos = shares(s.values, weighed, count - weighed, added, compensated)
    out[0, k], out[1, k] = rounded(compound, 10000.0), rounded(neg, 1000.0)
    out[2, k], out[3, k] = rounded(neu, 1000.0), rounded(pos, 1000.0)


@jitable
def rounded(x, scale):
    """Python's round() to 3 (scale 1000.0) or 4 digits: of the exact binary value, halves to even.

    Where the product ends in exactly .5 it was perhaps rounded there: its error (Dekker's) decides.
    """
    size = math.fabs(x)
    product = size * scale
    whole = math.floor(product)
    part = product - whole
    if part > 0.5:
        whole += 1.0
    elif part == 0.5:
        split = size * 134217729.0
        high = split - (split - size)
        error = (high * scale - product) + (size - high) * scale
        if error > 0 or (error == 0 and whole % 2 == 1):
            whole += 1.0
    return math.copysign(whole / scale, x)


@jitable
def contrast(values, places, but):
    """plain._contrast without objects: a hash table from a value to the heap of its places, the
    first on top.

    The heaps are skew heaps over the places themselves: one place is in one heap at a time.
    """
    size = 4
    while size < 4 * len(values):
        size *= 2
    keys, tops = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
    left, right = np.full(len(values), -1, np.int32), np.full(len(values), -1, np.int32)
    bits = values.view(np.uint64)
    for k in range(len(values)):
        slot = _slot(keys, bits[k])
        first = _merged(left, right, tops[slot], k)
        tops[slot] = _merged(left, right, left[first], right[first])
        left[first] = right[first] = -1
        values[first] *= 0.5 if places[first] < but else 1.5
        slot = _slot(keys, bits[first])
        tops[slot] = _merged(left, right, tops[slot], first)


@jitable
def _slot(keys, key):
    """Where this value is or now goes. At most two values come for each place, so a table of four
    times as many has room."""
    last = len(keys) - 1
    mixed = key * MIX
    slot = np.int64((mixed ^ mixed >> FOLD) & np.uint64(last))
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & last
    keys[slot] = key
    return slot


@jitable
def _merged(left, right, one, two):
    """The top of two skew heaps made one; -1 is the empty heap."""
    if one < 0 or two < 0:
        return max(one, two)
    if two < one:
        one, two = two, one
    top = one
    # `two` goes below `one`, whose children change sides: that is all the balancing there is
    while True:
        below = right[one]
        right[one] = left[one]
        if below < 0:
            left[one] = two
            return top
        if below < two:
            below, two = two, below
        left[one] = two
        one, two = two, below
