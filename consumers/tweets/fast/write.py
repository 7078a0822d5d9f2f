"""The rows: lines of JSON, byte for byte what msgspec writes for consumers.tweets.row.Tweet."""

import numpy as np

from consumers.compiled.blocks import copy_block
from consumers.sentiment.rules import jitable
from consumers.sentiment.vader import THRESHOLD
from consumers.tweets.fast import columns
from consumers.tweets.fast.pick import TAG

QUOTE, COMMA, OPEN_LIST, CLOSE_LIST, CLOSE_OBJECT, NEW_LINE, MINUS, ZERO, DOT = b'",[]}\n-0.'
BLOCK = 64
NOTHING, TEN = np.uint64(0), np.uint64(10)


def _table(*parts: str):
    """Short texts one behind the other, and where each begins."""
    encoded = [part.encode() for part in parts]
    return np.frombuffer(b"".join(encoded) + bytes(BLOCK), np.uint8).copy(), np.cumsum(
        [0, *map(len, encoded)]
    )


# A line, part by part: what stands before it, what kind of part it is, and its column.
STRING, BARE, COUNT, LIST, KIND, FLAG, SCORE, LABEL = range(8)
PARTS = (
    ('},"id":', STRING, columns.ID),
    (',"source":"x","created_at":', STRING, columns.CREATED),
    (',"lang":', STRING, columns.LANG),
    (',"author_id":', STRING, columns.AUTHOR_ID),
    (',"author":', STRING, columns.AUTHOR),
    (',"likes":', COUNT, columns.LIKES),
    (',"reposts":', COUNT, columns.REPOSTS),
    (',"replies":', COUNT, columns.REPLIES),
    (',"hashtags":', LIST, columns.TAGS),
    (',"lat":', BARE, columns.LAT),
    (',"lon":', BARE, columns.LON),
    (',"geo_kind":', KIND, columns.GEO_KIND),
    (',"country":', STRING, columns.COUNTRY),
    (',"place":', STRING, columns.PLACE),
    (',"is_repost":', FLAG, columns.IS_REPOST),
    (',"reply_to":', STRING, columns.REPLY_TO),
    (',"text":', STRING, columns.TEXT),
    (',"sentiment":{"compound":', SCORE, 0),  # a score's column is its row in `scores`
    (',"neg":', SCORE, 1),
    (',"neu":', SCORE, 2),
    (',"pos":', SCORE, 3),
    (',"label":', LABEL, 0),
    ('},"tweet":', BARE, columns.TWEET),
)
WORDS = (
    "null",
    "true",
    "false",
    '"point"',
    '"place"',
    '"positive"',
    '"negative"',
    '"neutral"',
    ',"timestamp":',
)
(NULL, TRUE, FALSE, POINT, PLACE, POSITIVE, NEGATIVE, NEUTRAL, TIMESTAMP) = range(
    len(PARTS), len(PARTS) + len(WORDS)
)
# numbered: the parts, then the words
NAMES, NAME_AT = _table(*(name for name, _, _ in PARTS), *WORDS)
PART_KIND, PART_COLUMN = (np.array([part[k] for part in PARTS]) for k in (1, 2))
KINDS = np.array([NULL, POINT, PLACE])  # by GEO_KIND: -1, OF_POINT, OF_PLACE

# bytes beside what comes from the record, and the beginning: numbers, a block's room
LONGEST_ROW = int(NAME_AT[-1]) + 300

# By byte: 0 as it is, else the letter of its escape; "u" has its number behind.
ESCAPE = np.zeros(256, np.uint8)
ESCAPE[:32] = ord("u")
for _byte, _letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
    ESCAPE[_byte] = _letter
HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()


@jitable
def row(w, out, to, r, begun, offset, timestamp, scores, s):
    """Write record `r` as a line that begins with `begun`, bytes and how many they are without
    their room; `s` is its place in `scores`. Returns what is behind it."""
    to = _integer(out, copied(begun[0], 0, begun[1], out, to), offset)
    to = _integer(out, _name(out, to, TIMESTAMP), timestamp)
    for k in range(len(PARTS)):
        to = _name(out, to, k)
        kind, column = PART_KIND[k], PART_COLUMN[k]
        if kind == STRING:
            to = _string(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1])
        elif kind == SCORE:
            to = _score(out, to, scores[column, s])
        elif kind in (COUNT, BARE):
            to = _bare(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1], kind)
        elif kind == LIST:
            to = _tags(w, out, to, w.spans[r, column, 0], w.spans[r, column, 1])
        else:
            to = _name(out, to, _word(kind, w.spans[r, column, 0], scores[0, s]))
    out[to], out[to + 1] = CLOSE_OBJECT, NEW_LINE
    return to + 2


@jitable
def _word(kind, chosen, compound):
    if kind == KIND:
        return KINDS[chosen + 1]
    if kind == FLAG:
        return TRUE if chosen >= 0 else FALSE
    return POSITIVE if compound >= THRESHOLD else NEGATIVE if compound <= -THRESHOLD else NEUTRAL


@jitable
def copied(source, start, end, out, to):
    """Copy source[start:end] and up to a block of what comes behind, which must be there."""
    for at in range(0, end - start, BLOCK):
        copy_block(source, start + at, out, to + at)
    return to + end - start


@jitable
def _name(out, to, k):
    copy_block(NAMES, NAME_AT[k], out, to)
    return to + NAME_AT[k + 1] - NAME_AT[k]


@jitable
def _string(w, out, to, start, end):
    """A string, or null. One without escapes as received needs none as written."""
    if start < 0:
        return _name(out, to, NULL)
    out[to] = QUOTE
    to = (
        copied(w.data, start, end, out, to + 1)
        if start < len(w.data) // 2
        else _escaped(w.data, start, end, out, to + 1)
    )
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
            out[to], out[to + 1], out[to + 2], out[to + 3] = (
                ZERO,
                ZERO,
                HEX[byte >> 4],
                HEX[byte & 15],
            )
            to += 4
    return to


@jitable
def _bare(w, out, to, start, end, kind):
    """Bytes as they stand. Where there are none: 0 for a count, else null."""
    if start >= 0:
        return copied(w.data, start, end, out, to)
    if kind != COUNT:
        return _name(out, to, NULL)
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
    """Any int64. Its digits are those of an unsigned number, as -2**63 has no positive int64."""
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
    """A number of at most four decimals from -1 to 1, in as few digits as there are; the sign of
    zero counts."""
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
