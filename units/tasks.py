"""What the tasks of a compaction do, on the executors: files' bytes in, Parquet and a summary out.
The functions capture plain values only."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from consumers.output.manifests import Interval, Partition, add
from units import ids, rows

HELD_BYTES = 128 * 1024 * 1024
"""How much of its lines a task holds, sorts and writes at once."""
_KINDS = {b"t": ("tweets", b"T"), b"r": ("rejected", b"R")}
Blobs = Callable[[Iterable[bytes]], Iterator[bytes]]


class Deletion(NamedTuple):
    """When an id was deleted, and what says so."""

    at_ms: int
    reason: str


Deletions = Mapping[str, Deletion]


def compact(deletions: Deletions) -> Blobs:
    """The function of a task that makes Parquet of a batch's packed lines."""

    def run(files: Iterable[bytes]) -> Iterator[bytes]:
        done = _Done(deletions)
        held: dict[bytes, list[bytes]] = {b"t": [], b"r": []}
        size = 0
        for data in files:
            folder = data[:1]
            for lines in rows.lines_of(data[1:]):
                held[folder] += lines
                size += sum(map(len, lines))
                if size >= HELD_BYTES:
                    yield from done.lines(held)
                    size = 0
        yield from done.lines(held)
        yield from done.end()

    return run


def rewrite(deletions: Deletions) -> Blobs:
    """The function of a task that takes the deleted rows out of a unit's files."""

    def run(files: Iterable[bytes]) -> Iterator[bytes]:
        done = _Done(deletions)
        for data in files:
            yield from done.table(data[:1], rows.read(data[1:]))
        yield from done.end()

    return run


def search(deletions: Deletions) -> Blobs:
    """The function of a task that says which of a unit's files have deleted rows: "1" or "0" for
    each."""

    def run(files: Iterable[bytes]) -> Iterator[bytes]:
        for data in files:
            columns = ["id", "author_id", "deleted", "created_at"]
            found = rows.read(data[1:], columns if data[:1] == b"t" else ["key"])
            yield b"1" if _hits(found, deletions) else b"0"

    return run


class _Done:
    """What one task has written so far."""

    def __init__(self, deletions: Deletions) -> None:
        self.deletions = deletions
        self.writers = {folder: rows.Writer(kind) for folder, (kind, _) in _KINDS.items()}
        self.counts = {"tweets": 0, "deleted": 0, "rejected": 0}
        self.erased: list[tuple[str, int, int, str, int]] = []
        self.tombstones: list[tuple[str | None, str, int, int, int]] = []
        self.offsets: dict[Partition, list[Interval]] = {}
        self.twice = 0
        self.spans: list[tuple[int, int] | None] = []

    def lines(self, held: dict[bytes, list[bytes]]) -> Iterator[bytes]:
        """Write these lines, and forget them."""
        for folder, lines in held.items():
            if lines:
                yield from self.table(folder, rows.table(_KINDS[folder][0], lines))
            lines.clear()

    def table(self, folder: bytes, found: pa.Table) -> Iterator[bytes]:
        """Write what is to stay of these rows."""
        self._note(found)
        kind, tag = _KINDS[folder]
        hits = _hits(found, self.deletions)
        if hits:
            places = list(rows.offsets(found.take(list(hits))))
            self.erased += [
                (*at, one.reason, one.at_ms) for at, one in zip(places, hits.values(), strict=True)
            ]
            gone = pa.array([at in hits for at in range(len(found))])
            found = found.filter(pc.invert(gone))
        deleted = pc.sum(found["deleted"]).as_py() or 0 if kind == "tweets" else 0
        self.counts["deleted"] += deleted
        self.counts[kind] += len(found) - deleted
        if kind == "tweets" and len(found):
            self._look(found)
        if data := self.writers[folder].write(found):
            yield tag + data

    def _note(self, found: pa.Table) -> None:
        places: dict[Partition, list[int]] = {}
        for topic, partition, offset in rows.offsets(found):
            places.setdefault((topic, partition), []).append(offset)
        for at, offsets in places.items():
            known = self.offsets.setdefault(at, [])
            before = sum(end - start for start, end in known)
            for start, end in _runs(offsets):
                known = add(known, (start, end))
            self.twice += before + len(offsets) - sum(end - start for start, end in known)
            self.offsets[at] = known

    def _look(self, found: pa.Table) -> None:
        """Note the tombstones, and the times in the ids of what is none."""
        gone = pc.fill_null(found["deleted"], False)
        for one in found.filter(gone).select(["id", "kafka"]).to_pylist():
            at = one["kafka"]
            place = at["topic"], at["partition"], at["offset"], at["timestamp"]
            self.tombstones.append((one["id"], *place))
        tweets = found.filter(pc.invert(gone))["id"].combine_chunks()
        if len(tweets):
            self.spans.append(ids.span_ms(tweets))

    def end(self) -> Iterator[bytes]:
        """The ends of the files, and the summary."""
        records = {}
        for folder, (kind, tag) in _KINDS.items():
            records[kind] = self.writers[folder].rows
            if data := self.writers[folder].close():
                yield tag + data
        summary: dict[str, Any] = {
            "counts": {**self.counts, "erased": len(self.erased)},
            "records": records,
            "erased": self.erased,
            "tombstones": self.tombstones,
            "offsets": [(*at, *one) for at, spans in self.offsets.items() for one in spans],
            "twice": self.twice,
            "id_times_ms": self.spans,
        }
        yield b"S" + json.dumps(summary).encode()


def _runs(offsets: list[int]) -> list[Interval]:
    """The offsets as intervals, in any order and each once."""
    found: list[list[int]] = []
    for offset in sorted(offsets):
        if found and offset <= found[-1][1]:
            found[-1][1] = max(found[-1][1], offset + 1)
        else:
            found.append([offset, offset + 1])
    return [(start, end) for start, end in found]


def _hits(found: pa.Table, deletions: Deletions) -> dict[int, Deletion]:
    """The rows to erase, by their number. A tombstone's own row stays; so does a tweet that was
    written after the deletion."""
    if not deletions or not len(found):
        return {}
    wanted = pa.array(list(deletions), pa.string())
    if "id" not in found.column_names:
        keys = found["key"].to_pylist()
        return {at: deletions[key] for at, key in enumerate(keys) if key in deletions}
    accounts = pa.array([id for id in deletions if ids.is_account(id)], pa.string())
    mask = pc.or_(pc.is_in(found["id"], wanted), pc.is_in(found["author_id"], accounts))
    mask = pc.and_(mask, pc.invert(pc.fill_null(found["deleted"], False)))
    hits: dict[int, Deletion] = {}
    for at in pc.indices_nonzero(mask).to_pylist():
        names = (found["id"][at].as_py(), found["author_id"][at].as_py())
        one = max(deletions[name] for name in names if name in deletions)
        written = found["created_at"][at].as_py()
        if written is None or written.timestamp() * 1000 <= one.at_ms:
            hits[at] = one
    return hits
