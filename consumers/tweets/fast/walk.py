"""Reads one record's JSON from its first byte to its last, strictly, and marks the fields that a
row is made of.

What the walk accepts, msgspec accepts with the same result. It need not accept everything: -1 sends
a record the general way. So it refuses what is rare: names with escapes, numbers with exponents or
many digits, a field twice, line breaks, deep nesting.
"""

import numpy as np

from consumers.compiled import jitable, words
from consumers.compiled.blocks import eight
from consumers.tweets.fast import shape
from consumers.tweets.fast.strings import (
    BEYOND_ASCII,
    ESCAPED,
    QUOTE,
    is_utf8,
    string_end,
    unescaped,
)

DEEPEST = 32  # levels; a tweet has seven
MOST_DIGITS = 18  # before and behind the point: what fits an int64
LONGEST_NAME = 1000  # bytes; Spark has its own limit far beyond
COMMA, COLON, SPACE, MINUS, POINT = b",: -."
# either bracket's partner is two further in ASCII
OPEN_OBJECT, OPEN_LIST, TO_CLOSE = ord("{"), ord("["), 2
TRUE, FALSE, NULL = (int.from_bytes(word, "little") for word in (b"true", b"alse", b"null"))
FOUR = np.uint64(0xFFFFFFFF)
DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MOMENT = np.frombuffer(b"0000-00-00T00:00:00.000Z", np.uint8).copy()


@jitable
def add_marks(w, at, end, side, count):
    """Add the marks of the record data[at:end], its fields' nodes, starts and ends, behind the
    first `count` marks.

    A string with escapes is written without them from `side` on, and its mark leads there. Returns
    the number of marks, or -1, and the new `side`.
    """
    depth, node = 0, shape.ROOT
    while True:
        if at < 0 or at >= end or count + 2 > len(w.marks):
            return -1, side
        byte = np.int64(w.data[at])
        opened = False
        if byte == QUOTE:
            at, side, count = _string(w, at + 1, end, node, side, count)
        elif byte in (OPEN_OBJECT, OPEN_LIST):
            if depth == DEEPEST or shape.KIND[node] not in (
                shape.ANYTHING,
                shape.OBJECT if byte == OPEN_OBJECT else shape.LIST,
            ):
                return -1, side
            if shape.KIND[node] == shape.OBJECT:
                count = _mark(w, count, node, at, at)
            w.stack[depth, 0], w.stack[depth, 1], w.stack[depth, 2] = node, byte + TO_CLOSE, 0
            depth += 1
            at = _spaces(w.data, at + 1)
            opened = w.data[at] != byte + TO_CLOSE
        else:
            at, count = _scalar(w, at, node, count)
        if not opened:
            at, depth = _closed(w, at, end, depth)
            if depth == 0:
                return (count if at == end else -1), side
        if at >= 0:
            at, node = _next(w, at, end, depth - 1)


@jitable
def _mark(w, count, node, start, end):
    w.marks[count, 0], w.marks[count, 1], w.marks[count, 2] = node, start, end
    return count + 1


@jitable
def _spaces(data, at):
    while data[at] == SPACE:
        at += 1
    return at


@jitable
def _closed(w, at, end, depth):
    """Close the objects and lists that end behind a value. Returns where the next member or item
    begins (at last, the record's end) or -1, and the depth."""
    while True:
        if depth == 0 or at < 0 or at >= end:
            return (-1 if depth else at), depth
        at = _spaces(w.data, at)
        if w.data[at] == COMMA:
            return _spaces(w.data, at + 1), depth
        depth -= 1
        lacking = shape.REQUIRED[w.stack[depth, 0]] & ~w.stack[depth, 2]
        if w.data[at] != w.stack[depth, 1] or lacking:
            return -1, depth + 1
        at += 1


@jitable
def _next(w, at, end, level):
    """Where the value of the object's next member or the list's next item begins, and its node."""
    outer = w.stack[level, 0]
    if w.stack[level, 1] == OPEN_LIST + TO_CLOSE:
        return at, shape.ITEM[outer]
    if w.data[at] != QUOTE:
        return -1, 0
    start = at + 1
    close, seen = string_end(w.data, start, end)
    if (
        close < 0
        or seen & ESCAPED
        or close - start > LONGEST_NAME
        or (seen & BEYOND_ASCII and not is_utf8(w.data, start, close))
    ):
        return -1, 0
    node = 0
    if outer:  # otherwise it is in none of the shape's objects
        node = words.find(w.data, start, close - start, outer, shape.NAMES, shape.NAME_SLOTS)
        if w.stack[level, 2] & shape.BIT[node]:
            return -1, 0
        w.stack[level, 2] |= shape.BIT[node]
    at = _spaces(w.data, close + 1)
    if w.data[at] != COLON:
        return -1, 0
    return _spaces(w.data, at + 1), node


@jitable
def _string(w, start, end, node, side, count):
    """Read the string from `start` on. Returns where it ends, or -1, and the new `side` and
    `count`."""
    close, seen = string_end(w.data, start, end)
    kind = shape.KIND[node]
    if (
        close < 0
        or kind not in (shape.ANYTHING, shape.STRING, shape.TIME)
        or (seen & BEYOND_ASCII and not is_utf8(w.data, start, close))
    ):
        return -1, side, count
    first, last = start, close
    if seen & ESCAPED:
        first, last = side, unescaped(w.data, start, close, side)
        if last < 0:
            return -1, side, count
    if kind == shape.ANYTHING:
        return close + 1, side, count
    if last - first < shape.LEAST[node] or (
        kind == shape.TIME and (seen or not _is_moment(w.data, first, last))
    ):
        return -1, side, count
    if seen & ESCAPED:
        side = max(side, last)
    return close + 1, side, _mark(w, count, node, first, last)


@jitable
def _is_moment(data, at, end):
    """Whether the text has the row's form, `2026-01-31T23:59:59.000Z`, and is in the calendar."""
    if end - at != len(MOMENT):
        return False
    for i in range(len(MOMENT)):
        digit = MOMENT[i] == ord("0")
        if (digit and not ord("0") <= data[at + i] <= ord("9")) or (
            not digit and data[at + i] != MOMENT[i]
        ):
            return False
    year = _two(data, at) * 100 + _two(data, at + 2)
    month, day = _two(data, at + 5), _two(data, at + 8)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if (
        year == 0
        or not 1 <= month <= 12
        or not 1 <= day <= DAYS[month]
        or (month == 2 and day == 29 and not leap)
    ):
        return False
    return _two(data, at + 11) < 24 and _two(data, at + 14) < 60 and _two(data, at + 17) < 60


@jitable
def _two(data, at):
    return (np.int64(data[at]) - ord("0")) * 10 + np.int64(data[at + 1]) - ord("0")


@jitable
def _scalar(w, at, node, count):
    """Read a number, true, false or null. Returns where it ends, or -1, and the new `count`."""
    kind, byte = shape.KIND[node], w.data[at]
    if byte == MINUS or ord("0") <= byte <= ord("9"):
        stop, whole = _number(w.data, at)
        if stop < 0 or kind == shape.ANYTHING:
            return stop, count
        if kind == shape.NUMBER or (kind == shape.COUNT and whole and byte != MINUS):
            return stop, _mark(w, count, node, at, stop)
        return -1, count
    word = np.int64(eight(w.data, at) & FOUR)
    if word == NULL and shape.NULLABLE[node]:
        return at + 4, count
    if kind != shape.ANYTHING:
        return -1, count
    if word == TRUE:
        return at + 4, count
    return (
        at + 5 if byte == ord("f") and np.int64(eight(w.data, at + 1) & FOUR) == FALSE else -1
    ), count


@jitable
def _number(data, at):
    """Where the number ends, or -1, and whether it is whole. -0 goes the general way."""
    minus = data[at] == MINUS
    at += minus
    start = at
    at = _digits(data, at)
    if at == start or at - start > MOST_DIGITS or (data[start] == ord("0") and at - start > 1):
        return -1, False
    if data[at] != POINT:
        return (-1 if minus and data[start] == ord("0") else at), True
    point = at
    at = _digits(data, at + 1)
    return (-1 if at == point + 1 or at - point > MOST_DIGITS else at), False


@jitable
def _digits(data, at):
    while ord("0") <= data[at] <= ord("9"):
        at += 1
    return at
