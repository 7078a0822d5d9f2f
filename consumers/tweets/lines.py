"""The lines of a frame's records: compiled for tweets of the common shape, one by one for all
others. The bytes are the same."""

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers import sentiment
from consumers.tweets import parse as tweets

if TYPE_CHECKING:
    from consumers.tweets.fast.frame import FrameLines, Written

Ranges = list[tuple[str, int, int, int]]  # topic, partition, from, until
Piece = bytes | NDArray[np.uint8]
Line = tuple[int, str, bytes, str]  # the record's place in its frame, its kind, line, reason
KINDS = {tweets.Tweet: "tweets", tweets.Deleted: "deleted", tweets.Rejected: "rejected"}


class Lines(NamedTuple):
    """What a frame became: pieces of the tweets' file and of the rejected records' file, the number
    of records of each kind, and of rejected ones by reason.

    The pieces are valid until the next frame.
    """

    tweets: list[Piece]
    rejected: list[Piece]
    counts: dict[str, int]
    reasons: Counter[str]
    newest_ms: int = 0
    """Kafka's time of the newest record of the frame, wanted or not."""


def prepare() -> None:
    """Compile, or load what is compiled, before it is needed. A warning says where numba is
    absent."""
    if sentiment.prepare():
        _compiled()


def lines(data: bytes, layout: Any, wanted: Ranges, max_bytes: int) -> Lines:
    """The lines of the frame's records within the `wanted` ranges, in the order of their offsets.

    `layout` is what kafka_dstreams.layout() says of `data`. Raises ValueError where the records do
    not lie within the frame.
    """
    view, compiled = _View(data, layout, wanted), _compiled()
    written = _common(view, compiled, max_bytes) if compiled else None
    rest = view.wanted.copy()
    if written:
        rest[written.rows] = False
    others = _one_by_one(view, np.flatnonzero(rest).tolist(), max_bytes)
    return _merged(written, others)._replace(newest_ms=int(view.timestamps.max()))


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

    def __init__(self, data: bytes, layout: Any, wanted: Ranges) -> None:
        self.data, self.layout = data, layout
        lengths_end = layout.value_lengths + 4 * layout.count
        if layout.count < 1 or not lengths_end <= layout.keys <= len(data):
            raise self._damaged(layout.keys)
        self.offsets = self._column(np.int64, layout.offsets)
        self.timestamps = self._column(np.int64, layout.timestamps)
        self.keys, end = self._places(layout.key_lengths, layout.keys)
        self.values, end = self._places(layout.value_lengths, end)
        if end > len(data):
            raise self._damaged(end)
        self.wanted = np.zeros(layout.count, np.bool_)
        for topic, partition, start, until in wanted:
            if (topic, partition) == (layout.topic, layout.partition):
                self.wanted |= (self.offsets >= start) & (self.offsets < until)

    def _damaged(self, end: int) -> ValueError:
        """The kernels believe a frame's numbers, so a frame whose parts do not lie within it must
        not reach them."""
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
    source = (view.layout.topic, view.layout.partition)
    return compiled.write(view.data, source, (view.offsets, view.timestamps, starts, ends))


def _one_by_one(view: _View, which: list[int], max_bytes: int) -> list[Line]:
    """The lines of these records."""
    found = [
        tweets.parse(view.bytes_at(view.values, k), view.bytes_at(view.keys, k), max_bytes)
        for k in which
    ]
    texts = [record.text for record in found if isinstance(record, tweets.Tweet)]
    scores = iter(sentiment.score(texts) if texts else ())
    source, out = (view.layout.topic, view.layout.partition), []
    for k, record in zip(which, found, strict=True):
        score = next(scores) if isinstance(record, tweets.Tweet) else None
        at = int(view.offsets[k]), int(view.timestamps[k])
        line = tweets.row(*source, *at, record, score) + b"\n"
        reason = record.reason if isinstance(record, tweets.Rejected) else ""
        out.append((k, KINDS[type(record)], line, reason))
    return out


def _merged(written: "Written | None", others: list[Line]) -> Lines:
    """Both ways' lines in the order of the records."""
    out = Lines([], [], {"tweets": 0, "deleted": 0, "rejected": 0}, Counter())
    done = 0  # how many of the compiled lines are in their place

    def take(until: int) -> None:
        """Put the compiled lines up to this one in their place."""
        nonlocal done
        if written and until > done:
            start = written.ends[done - 1] if done else 0
            out.tweets.append(written.lines[start : written.ends[until - 1]])
            out.counts["tweets"] += until - done
            done = until

    for k, kind, line, reason in others:
        out.counts[kind] += 1
        if kind == "rejected":
            out.reasons[reason] += 1
            out.rejected.append(line)
            continue
        take(int(np.searchsorted(written.rows, k)) if written else 0)
        out.tweets.append(line)
    take(len(written.rows) if written else 0)
    return out
