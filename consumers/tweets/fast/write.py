"""A row as a line of JSON, byte for byte what msgspec writes for consumers.tweets.row.Tweet."""

import numpy as np

from consumers.compiled import jitable
from consumers.compiled.blocks import BLOCK, copy_block
from consumers.sentiment.rules import verdict
from consumers.tweets.fast import columns
from consumers.tweets.fast.pick import TAG

QUOTE, COMMA, OPEN_LIST, CLOSE_LIST, CLOSE_OBJECT, NEW_LINE, MINUS, ZERO, DOT = b'",[]}\n-0.'
NOTHING, TEN = np.uint64(0), np.uint64(10)

# bytes of a line apart from its beginning and what comes from the record: numbers, a block's room
LONGEST_LINE = len(columns.ALL_TEXTS) + 300

# By byte: the letter of its escape, or 0 for none. The byte's number follows "u".
ESCAPE = np.zeros(256, np.uint8)
ESCAPE[:32] = ord("u")
for _byte, _letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
    ESCAPE[_byte] = _letter
HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()


@jitable
def line(w, out, to, r, begun, offset, timestamp, scores, s):
    """Write the line of record `r`, whose scores are at `s`. It begins with begun[0], of which
    begun[1] bytes count. Returns where it ends; so do all functions here that write."""
    to = _integer(out, copied(begun[0], 0, begun[1], out, to), offset)
    to = _integer(out, _fixed(out, to, columns.TIMESTAMP), timestamp)
    for k in range(len(columns.PARTS)):
        to = _fixed(out, to, k)
        kind, column = columns.PART_KIND[k], columns.PART_COLUMN[k]
        if kind == columns.TEXT:
            to = _string(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1])
        elif kind == columns.SCORE:
            to = _score(out, to, scores[column, s])
        elif kind in (columns.INTEGER, columns.BARE):
            to = _bare(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1], kind)
        elif kind == columns.TEXTS:
            to = _tags(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1])
        else:
            to = _fixed(out, to, _word(kind, w.spans[r, column, 0], scores[0, s]))
    out[to], out[to + 1] = CLOSE_OBJECT, NEW_LINE
    return to + 2


@jitable
def _word(kind, chosen, compound):
    if kind == columns.CHOICE:
        return columns.NULL + 1 + chosen
    if kind == columns.FLAG:
        return columns.TRUE if chosen >= 0 else columns.FALSE
    return columns.FIRST_LABEL + verdict(compound)


@jitable
def copied(source, start, end, out, to):
    """Copy source[start:end], and up to a block of what follows, which must be there."""
    for at in range(0, end - start, BLOCK):
        copy_block(source, start + at, out, to + at)
    return to + end - start


@jitable
def _fixed(out, to, k):
    """Write the fixed text `k`."""
    copy_block(columns.ALL_TEXTS, columns.TEXT_AT[k], out, to)
    return to + columns.TEXT_AT[k + 1] - columns.TEXT_AT[k]


@jitable
def _string(w, out, to, start, end):
    """Write a string, or null. A string that came without escapes needs none now."""
    if start < 0:
        return _fixed(out, to, columns.NULL)
    out[to] = QUOTE
    if start < len(w.data) // 2:
        to = copied(w.data, start, end, out, to + 1)
    else:
        to = _escaped(w.data, start, end, out, to + 1)
    out[to] = QUOTE
    return to + 1


@jitable
def _escaped(data, start, end, out, to):
    for at in range(start, end):
        byte = data[at]
        letter = ESCAPE[byte]
        if letter == 0:
            out[to] = byte
            to += 1
            continue
        out[to], out[to + 1] = ord("\\"), letter
        to += 2
        if letter == ord("u"):
            out[to], out[to + 1] = ZERO, ZERO
            out[to + 2], out[to + 3] = HEX[byte >> 4], HEX[byte & 15]
            to += 4
    return to


@jitable
def _bare(w, out, to, start, end, kind):
    """Write bytes as they are; where there are none, 0 for a count and otherwise null."""
    if start >= 0:
        return copied(w.data, start, end, out, to)
    if kind != columns.INTEGER:
        return _fixed(out, to, columns.NULL)
    out[to] = ZERO
    return to + 1


@jitable
def _tags(w, out, to, first, last):
    out[to] = OPEN_LIST
    to += 1
    begun = to
    for m in range(first, last):
        if w.marks[m, 0] == TAG:
            if to > begun:
                out[to] = COMMA
                to += 1
            to = _string(w, out, to, w.marks[m, 1], w.marks[m, 2])
    out[to] = CLOSE_LIST
    return to + 1


@jitable
def _integer(out, to, value):
    """Write any int64, as an unsigned number because -2**63 has no positive int64."""
    size = np.uint64(value)
    if value < 0:
        out[to] = MINUS
        to, size = to + 1, NOTHING - size
    digits, rest = 1, size // TEN
    while rest:
        digits, rest = digits + 1, rest // TEN
    for place in range(to + digits - 1, to - 1, -1):
        out[place] = ZERO + np.int64(size % TEN)
        size //= TEN
    return to + digits


@jitable
def _score(out, to, value):
    """Write a number from -1 to 1 of at most four decimals in its fewest digits. -0.0 keeps its
    sign."""
    if np.copysign(1.0, value) < 0:
        out[to] = MINUS
        to += 1
    rest = np.int64(np.rint(abs(value) * 10000.0))
    out[to], out[to + 1] = ZERO + rest // 10000, DOT
    to, rest = to + 2, rest % 10000
    unit = 1000
    while True:
        out[to] = ZERO + rest // unit
        to, rest, unit = to + 1, rest % unit, unit // 10
        if rest == 0:
            return to
