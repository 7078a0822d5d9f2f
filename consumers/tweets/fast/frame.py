"""A frame's records to lines in two compiled calls, the scorer's between them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numba import types  # type: ignore[import-untyped, import-not-found, unused-ignore]
from numpy.typing import NDArray

from consumers import sentiment
from consumers.compiled import jit
from consumers.compiled.blocks import BLOCK, borrowed
from consumers.tweets.fast import pick, shape, walk, write
from consumers.tweets.fast.columns import NUMBER

SOURCES = (Path(__file__).parent, Path(__file__).parents[1], Path(sentiment.__file__).parent)
# bytes behind each half of the data; the calls look and copy up to a block beyond what they mean
ROOM = 1024
GEO_BYTES = 64  # latitude and longitude as text
# for each record; a tweet has about twenty, and a tweet with more goes the general way
MARKS = 64
BETWEEN_NUMBERS = np.isin(np.arange(256), (*b"[,]",))  # of a byte of a JSON array
TEXT, LAT, LON, GEO_KIND, TWEET = map(NUMBER.get, ("text", "lat", "lon", "geo_kind", "tweet"))

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Work(NamedTuple):
    """What both calls work on; kept between frames and grown where a frame needs more."""

    # uint8: the frame in the first half; strings without their escapes, and what Python adds, in
    # the second
    data: Any
    marks: Any  # int64 [mark, (node, start, end)]: where the walk found what
    stack: Any  # int64 [level, (node, closing bracket, members seen)]
    last: Any  # int64 [node]: the record's last mark of it, or -1
    # int64 [record, column, (start, end)] in the data; a start of -1 is null. Of hashtags a span of
    # marks; of is_repost and geo_kind only the start counts
    spans: Any
    numbers: Any  # float64 [(point, box), number]: a position while it is read
    places: Any  # float64 [record, (latitude, longitude)], where geo_kind says that there is one


def find(work, starts, ends, found):
    """Fill the spans of each record data[starts[r]:ends[r]] whose start is not -1, and say in
    `found` whether that was possible. Returns where the used part of the second half ends."""
    w = borrowed(work)
    count, side = 0, len(w.data) // 2
    for r in range(len(starts)):
        if starts[r] < 0:
            continue
        until, beyond = walk.add_marks(w, starts[r], ends[r], side, count)
        if until >= 0 and pick.fill_spans(w, count, until, r):
            w.spans[r, TWEET, 0], w.spans[r, TWEET, 1] = starts[r], ends[r]
            found[r] = True
            count, side = until, beyond
    return side


def write_lines(work, rows, begun, offsets, timestamps, scores, out, ends):
    """Write the line of each of these records to `out`, and to `ends` where it ends; `scores` are
    in the order of `rows`. `begun` is _begun()'s."""
    w = borrowed(work)
    to = 0
    for s in range(len(rows)):
        r = rows[s]
        to = write.line(w, out, to, r, begun, offsets[r], timestamps[r], scores, s)
        ends[s] = to
    return to


@cache
def kernels() -> tuple[Callable[..., int], Callable[..., int]]:
    """find() and write_lines(), compiled or loaded from the cache."""
    bytes_, table, floats = types.uint8[::1], types.int64[:, ::1], types.float64[:, ::1]
    members = (bytes_, table, table, types.int64[::1], types.int64[:, :, ::1], floats, floats)
    work = types.NamedTuple(members, Work)
    places = types.Array(types.int64, 1, "C", readonly=True)
    begun = types.Tuple((types.Array(types.uint8, 1, "C", readonly=True), types.int64))
    of_find = types.int64(work, places, places, types.boolean[::1])
    of_write = types.int64(work, places, begun, places, places, floats, bytes_, types.int64[::1])
    return jit.kernel(find, of_find, SOURCES), jit.kernel(write_lines, of_write, SOURCES)


class Written(NamedTuple):
    """Lines of the records `rows`, of which ends[k] is where the line of rows[k] ends in `lines`;
    valid until the next frame."""

    rows: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.uint8]


class FrameLines:
    """Writes the lines of one frame after another; not for two threads at a time."""

    def __init__(self) -> None:
        self._work = _work(0, 0)
        self._out = np.empty(0, np.uint8)

    def write(self, data: bytes, source: tuple[str, int], records: Columns) -> Written:
        """The lines of those records for which the common shape is enough.

        `source` is topic and partition; `records` are offsets, timestamps (ms), and the values'
        starts and ends in `data`; a start of -1 leaves a record out.
        """
        offsets, timestamps, starts, ends = records
        find_spans, write_out = kernels()
        work = self._room(len(data), len(starts))
        work.data[: len(data)] = np.frombuffer(data, np.uint8)
        work.data[len(data) : len(data) + ROOM] = 0
        found = np.zeros(len(starts), np.bool_)
        side = find_spans(work, starts, ends, found)
        rows = np.flatnonzero(found)
        if not len(rows):
            return Written(rows, rows, self._out)
        self._positions(rows, side)
        text = work.spans[rows, TEXT]
        scores = sentiment.columns(work.data, text[:, 0], text[:, 1])
        begun = _begun(*source)
        most = len(rows) * (begun[1] + write.LONGEST_LINE) + 2 * len(data) + ROOM
        if len(self._out) < most:
            self._out = np.empty(most, np.uint8)
        ends = np.empty(len(rows), np.int64)
        write_out(work, rows, begun, offsets, timestamps, scores, self._out, ends)
        return Written(rows, ends, self._out)

    def _room(self, size: int, count: int) -> Work:
        half = size + count * GEO_BYTES + ROOM
        if 2 * half > len(self._work.data) or count > len(self._work.spans):
            known = self._work
            self._work = _work(max(half, len(known.data) // 2), max(count, len(known.spans)))
        return self._work

    def _positions(self, rows: NDArray[np.int64], side: int) -> None:
        """Write latitudes and longitudes as text from `side` on: msgspec knows a float's shortest
        form."""
        data, spans = self._work.data, self._work.spans
        placed = rows[spans[rows, GEO_KIND, 0] >= 0]
        if len(placed):
            numbers = self._work.places[placed].reshape(-1).tolist()
            text = np.frombuffer(msgspec.json.encode(numbers), np.uint8)
            data[side : side + len(text)] = text
            edges = side + np.flatnonzero(BETWEEN_NUMBERS[text])
            texts = np.stack((edges[:-1] + 1, edges[1:]), axis=1).reshape(-1, 2, 2)
            spans[placed, LAT], spans[placed, LON] = texts[:, 0], texts[:, 1]


def _work(half: int, count: int) -> Work:
    return Work(
        np.empty(2 * half, np.uint8),
        np.empty((MARKS * count + ROOM, 3), np.int64),
        np.empty((walk.DEEPEST, 3), np.int64),
        np.empty(len(shape.NODES), np.int64),
        np.empty((count, len(NUMBER), 2), np.int64),
        np.empty((2, pick.NUMBERS), np.float64),
        np.empty((count, 2), np.float64),
    )


def _begun(topic: str, partition: int) -> tuple[NDArray[np.uint8], int]:
    """What each line begins with, a block of room behind it, and how many bytes it is without the
    room."""
    name = msgspec.json.encode(topic)
    text = b'{"kafka":{"topic":%b,"partition":%d,"offset":' % (name, partition)
    return np.frombuffer(text + bytes(BLOCK), np.uint8), len(text)
