"""The two calls a frame costs: `find` before its texts are scored, `write` after."""

from typing import Any, NamedTuple

from consumers.compiled.blocks import borrowed
from consumers.tweets.fast import columns
from consumers.tweets.fast.pick import pick
from consumers.tweets.fast.walk import walk
from consumers.tweets.fast.write import row


class Work(NamedTuple):
    """What both calls work on; kept between frames and grown where one needs more."""

    # uint8: the frame in the first half, strings without their escapes and what Python adds in the
    # second
    data: Any
    marks: Any  # int64 [mark, (node, start, end)]: where the walk found what
    stack: Any  # int64 [level, (node, closing bracket, members seen)]
    last: Any  # int64 [node]: the record's last mark of it
    spans: Any  # int64 [record, column, (start, end)]
    places: Any  # float64 [record, (latitude, longitude)], where GEO_KIND says that there is one


def find(work, starts, ends, found):
    """Fill the columns of each record data[starts[r]:ends[r]] with a start, and say in `found`
    whether that was possible.

    Returns how far the second half of the data is used.
    """
    w = borrowed(work)
    count, side = 0, len(w.data) // 2
    for r in range(len(starts)):
        if starts[r] < 0:
            continue
        until, beyond = walk(w, starts[r], ends[r], side, count)
        if until >= 0 and pick(w, count, until, r):
            w.spans[r, columns.TWEET, 0], w.spans[r, columns.TWEET, 1] = starts[r], ends[r]
            found[r] = True
            count, side = until, beyond
    return side


def write(work, rows, begun, offsets, timestamps, scores, out, ends):
    """Write the line of each of these records to `out` and where it ends to `ends`; `scores` are in
    the order of `rows`.

    `begun` is what each line begins with, a block of room behind it, and how many bytes it is
    without the room.
    """
    w = borrowed(work)
    to = 0
    for s in range(len(rows)):
        r = rows[s]
        to = row(w, out, to, r, begun, offsets[r], timestamps[r], scores, s)
        ends[s] = to
    return to
