"""A frame's records to lines in two compiled calls, the scorer's between them."""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from consumers import sentiment
from consumers.tweets.fast import columns, shape, walk, write
from consumers.tweets.fast.compiled import find, write_rows
from consumers.tweets.fast.kernels import Work

# bytes behind each half of the data; the calls look and copy up to a block beyond what they mean
ROOM = 1024
GEO_BYTES = 64  # latitude and longitude as text
# for each record; a tweet has about twenty, and what has more than there is room for goes the
# general way
MARKS = 64

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


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
        work = self._room(len(data), len(starts))
        work.data[: len(data)] = np.frombuffer(data, np.uint8)
        work.data[len(data) : len(data) + ROOM] = 0
        found = np.zeros(len(starts), np.bool_)
        side = find()(work, starts, ends, found)
        rows = np.flatnonzero(found)
        if not len(rows):
            return Written(rows, rows, self._out)
        self._positions(rows, side)
        text = work.spans[rows, columns.TEXT]
        scores = sentiment.columns(work.data, text[:, 0], text[:, 1])
        begun = _begun(*source)
        most = len(rows) * (begun[1] + write.LONGEST_ROW) + 2 * len(data) + ROOM
        if len(self._out) < most:
            self._out = np.empty(most, np.uint8)
        ends = np.empty(len(rows), np.int64)
        write_rows()(work, rows, begun, offsets, timestamps, scores, self._out, ends)
        return Written(rows, ends, self._out)

    def _room(self, size: int, count: int) -> Work:
        half = size + count * GEO_BYTES + ROOM
        if 2 * half > len(self._work.data) or count > len(self._work.spans):
            self._work = _work(
                max(half, len(self._work.data) // 2), max(count, len(self._work.spans))
            )
        return self._work

    def _positions(self, rows: NDArray[np.int64], side: int) -> None:
        """Latitudes and longitudes as text, written behind `side`: a float's shortest form is
        msgspec's to find."""
        data, spans = self._work.data, self._work.spans
        placed = rows[spans[rows, columns.GEO_KIND, 0] >= 0]
        if len(placed):
            text = np.frombuffer(
                msgspec.json.encode(self._work.places[placed].reshape(-1).tolist()), np.uint8
            )
            data[side : side + len(text)] = text
            edges = side + np.flatnonzero(
                (text == ord("[")) | (text == ord(",")) | (text == ord("]"))
            )
            texts = np.stack((edges[:-1] + 1, edges[1:]), axis=1).reshape(-1, 2, 2)
            spans[placed, columns.LAT], spans[placed, columns.LON] = texts[:, 0], texts[:, 1]


def _work(half: int, count: int) -> Work:
    return Work(
        np.empty(2 * half, np.uint8),
        np.empty((MARKS * count + ROOM, 3), np.int64),
        np.empty((walk.DEEPEST, 3), np.int64),
        np.empty(len(shape.NODES), np.int64),
        np.empty((count, columns.COUNT, 2), np.int64),
        np.empty((count, 2), np.float64),
    )


def _begun(topic: str, partition: int) -> tuple[NDArray[np.uint8], int]:
    """What each line begins with, a block of room behind it, and how many bytes it is without the
    room."""
    text = b'{"kafka":{"topic":%b,"partition":%d,"offset":' % (
        msgspec.json.encode(topic),
        partition,
    )
    return np.frombuffer(text + bytes(write.BLOCK), np.uint8), len(text)
