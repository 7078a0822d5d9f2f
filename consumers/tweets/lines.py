"""The lines of a frame's records: compiled for tweets of the common shape, one by one for all else.
The bytes are the same."""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers import sentiment
from consumers.tweets import parse as tweets
from kafka_dstreams import layout

if TYPE_CHECKING:
    from consumers.tweets.fast.frame import FrameLines, Written

Ranges = list[tuple[str, int, int, int]]  # topic, partition, from, until
Piece = bytes | NDArray[np.uint8]
KINDS = {tweets.Tweet: "tweets", tweets.Deleted: "deleted", tweets.Rejected: "rejected"}


class Lines(NamedTuple):
    """What a frame came to: pieces of the tweets' file and of the rejected records' file, and how
    many records are of which kind.

    The pieces are valid until the next frame.
    """

    tweets: list[Piece]
    rejected: list[Piece]
    counts: dict[str, int]


def prepare() -> None:
    """Compile, or load what is compiled, before it is needed. A warning says where numba is
    absent."""
    if sentiment.prepare():
        _compiled()


def lines(data: bytes, wanted: Ranges, max_bytes: int) -> Lines:
    """The lines of the frame's records within the `wanted` ranges, in the order of their
    offsets."""
    view = _View(data, wanted)
    compiled = _compiled()
    written = _common(view, compiled, max_bytes) if compiled else None
    rest = view.wanted
    if written is not None:
        rest[written.rows] = False
    out = Lines([], [], {"tweets": 0, "deleted": 0, "rejected": 0})
    done = 0  # bytes of `written` that are in their place
    left = np.flatnonzero(rest).tolist()
    for k, kind, line in _one_by_one(view, left, max_bytes) if left else ():
        out.counts[kind] += 1
        if kind == "rejected":
            out.rejected.append(line)
            continue
        if written is not None and (before := int(np.searchsorted(written.rows, k))):
            out.tweets.append(written.lines[done : written.ends[before - 1]])
            done = int(written.ends[before - 1])
        out.tweets.append(line)
    if written is not None and len(written.rows):
        out.counts["tweets"] += len(written.rows)
        out.tweets.append(written.lines[done : written.ends[-1]])
    return out


@cache
def _compiled() -> "FrameLines | None":
    """None where numba is absent."""
    try:
        from consumers.tweets.fast.frame import FrameLines
    except ImportError:
        return None
    return FrameLines()


class _View:
    """A frame's columns as arrays, and which of its records are wanted."""

    def __init__(self, data: bytes, wanted: Ranges) -> None:
        self.data, self.layout = data, layout(data)
        lengths_end = self.layout.value_lengths + 4 * self.layout.count
        if self.layout.count < 1 or not lengths_end <= self.layout.keys <= len(data):
            raise self._damaged(self.layout.keys)
        self.offsets = self._column(np.int64, self.layout.offsets)
        self.timestamps = self._column(np.int64, self.layout.timestamps)
        self.keys, end = self._places(self.layout.key_lengths, self.layout.keys)
        self.values, end = self._places(self.layout.value_lengths, end)
        if end > len(data):
            raise self._damaged(end)
        self.wanted = np.zeros(self.layout.count, np.bool_)
        for topic, partition, start, until in wanted:
            if (topic, partition) == (self.layout.topic, self.layout.partition):
                self.wanted |= (self.offsets >= start) & (self.offsets < until)

    def _damaged(self, end: int) -> ValueError:
        """The kernels believe a frame's numbers, so one whose parts do not lie within it must not
        come to them."""
        where = f"{self.layout.topic!r}[{self.layout.partition}]"
        return ValueError(
            f"a damaged frame of {where}: its {self.layout.count} records end at byte {end} of "
            f"{len(self.data)}"
        )

    def bytes_at(self, places: NDArray[np.int64], k: int) -> bytes | None:
        """The key or value of record `k`."""
        start, end = places[:, k].tolist()
        return None if start < 0 else self.data[start:end]

    def _column(self, kind: Any, at: int) -> NDArray[Any]:
        return np.frombuffer(self.data, kind, self.layout.count, at)

    def _places(self, lengths_at: int, begin: int) -> tuple[NDArray[np.int64], int]:
        """Starts and ends, a start of -1 being null, and where the last one ends."""
        lengths = self._column(np.int32, lengths_at).astype(np.int64)
        ends = begin + np.cumsum(np.maximum(lengths, 0))
        return np.stack((np.where(lengths < 0, -1, ends - lengths), ends)), int(ends[-1])


def _common(view: _View, compiled: "FrameLines", max_bytes: int) -> "Written":
    starts, ends = view.values
    starts = np.where(view.wanted & (ends - starts <= max_bytes), starts, -1)
    return compiled.write(
        view.data,
        (view.layout.topic, view.layout.partition),
        (view.offsets, view.timestamps, starts, ends),
    )


def _one_by_one(view: _View, which: list[int], max_bytes: int) -> list[tuple[int, str, bytes]]:
    """Place, kind and line of each of these records."""
    found = [
        tweets.parse(view.bytes_at(view.values, k), view.bytes_at(view.keys, k), max_bytes)
        for k in which
    ]
    scores = iter(
        sentiment.score([record.text for record in found if isinstance(record, tweets.Tweet)])
    )
    out = []
    for k, record in zip(which, found, strict=True):
        score = next(scores) if isinstance(record, tweets.Tweet) else None
        where = (
            view.layout.topic,
            view.layout.partition,
            int(view.offsets[k]),
            int(view.timestamps[k]),
        )
        out.append((k, KINDS[type(record)], tweets.row(*where, record, score) + b"\n"))
    return out
