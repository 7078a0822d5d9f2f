"""JSON strings in a buffer of bytes: where a string ends, whether it is UTF-8, and what it is
without its escapes.

Each function may look a block beyond what it is given: the buffer has that much room behind the
last record.
"""

import numpy as np

from consumers.compiled import jitable
from consumers.compiled.blocks import BLOCK, among, equal, lowest, mask_of

QUOTE, BACKSLASH = ord('"'), ord("\\")
ESCAPED, BEYOND_ASCII = 1, 2  # what string_end() says of a string
ONE = np.uint64(1)

# What the escape `\x` stands for, by x; 0 where there is no such escape.
MEANT = np.zeros(256, np.uint8)
for _letter, _meant in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    MEANT[_letter] = _meant
HEX = np.full(256, -1, np.int64)
for _digit in b"0123456789abcdefABCDEF":
    HEX[_digit] = int(chr(_digit), 16)


def _special(builder, block):
    found = builder.or_(equal(builder, block, QUOTE), equal(builder, block, BACKSLASH))
    return builder.or_(found, among(builder, block, 0, 0x1F))


specials = mask_of(_special)
beyond_ascii = mask_of(lambda builder, block: among(builder, block, 0x80, 0xFF))


@jitable
def string_end(data, at, end):
    """The place of the quote that ends the string whose first byte is at `at`, or -1, and whether
    the string is ESCAPED or BEYOND_ASCII.

    -1 is for a control character, or a string without an end. unescaped() finds wrong escapes.
    """
    seen = 0
    while at < end:
        special = specials(data, at)
        high = beyond_ascii(data, at)
        if special == 0:
            if high != 0:
                seen |= BEYOND_ASCII
            at += BLOCK
            continue
        stop = lowest(special)
        if high & ((ONE << np.uint64(stop)) - ONE):
            seen |= BEYOND_ASCII
        at += stop
        if data[at] == QUOTE:
            return (at if at < end else -1), seen
        if data[at] != BACKSLASH:
            return -1, seen
        seen |= ESCAPED
        at += 2
    return -1, seen


@jitable
def is_utf8(data, at, end):
    """Whether Python's strict decoder would take these bytes, which an ASCII byte follows."""
    while at < end:
        lead = data[at]
        if lead < 0x80:
            at += 1
            continue
        low, high, more = 0x80, 0xBF, 1
        if lead < 0xC2 or lead > 0xF4:
            return False
        if lead >= 0xF0:
            more = 3
            low, high = (0x90 if lead == 0xF0 else 0x80), (0x8F if lead == 0xF4 else 0xBF)
        elif lead >= 0xE0:
            more = 2
            low, high = (0xA0 if lead == 0xE0 else 0x80), (0x9F if lead == 0xED else 0xBF)
        if not low <= data[at + 1] <= high:
            return False
        for i in range(2, more + 1):
            if data[at + i] & 0xC0 != 0x80:
                return False
        at += more + 1
    return True


@jitable
def unescaped(data, at, end, to):
    """Write the string without its escapes to `to`. Returns where it ends there, or -1 for a wrong
    escape or half a surrogate pair."""
    while at < end:
        byte = data[at]
        if byte != BACKSLASH:
            data[to] = byte
            to, at = to + 1, at + 1
        elif MEANT[data[at + 1]]:
            data[to] = MEANT[data[at + 1]]
            to, at = to + 1, at + 2
        elif data[at + 1] == ord("u"):
            point = _four(data, at + 2)
            at += 6
            if 0xD800 <= point < 0xDC00 and data[at] == BACKSLASH and data[at + 1] == ord("u"):
                second = _four(data, at + 2)
                at += 6
                pair = 0xDC00 <= second < 0xE000
                point = 0x10000 + ((point - 0xD800) << 10) + second - 0xDC00 if pair else -1
            if point < 0 or 0xD800 <= point < 0xE000:
                return -1
            to = _encoded(data, to, point)
        else:
            return -1
    return to


@jitable
def _four(data, at):
    """The number of four hexadecimal digits, or -1."""
    value = 0
    for i in range(4):
        digit = HEX[data[at + i]]
        if digit < 0:
            return -1
        value = value << 4 | digit
    return value


@jitable
def _encoded(data, to, point):
    """Write a code point as UTF-8; returns where it ends."""
    if point < 0x80:
        data[to] = point
        return to + 1
    more = 1 if point < 0x800 else 2 if point < 0x10000 else 3
    data[to] = (0xF00 >> (more + 1) & 0xFF) | point >> 6 * more
    for i in range(1, more + 1):
        data[to + i] = 0x80 | point >> 6 * (more - i) & 0x3F
    return to + more + 1
