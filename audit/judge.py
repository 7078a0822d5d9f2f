"""The audit's judgement: plain values in, a verdict out. No service, and no line shared with the
pipeline it judges.

Batches are taken in windows: of each window's ranges the records are read from Kafka and held
against the rows, then both are forgotten. A row outside the ranges that its window is the first to
claim is a *stray*; strays are kept, and judged at the end, as is what no batch claims. So memory is
bounded by a window, the largest batch, and what is wrong.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from audit import batch as audit_batch
from audit.chain import Batch, Chain, Linked, Spans, TopicPartition, Unit, ranges_of
from audit.deletions import NONE, Deletions
from audit.intervals import Intervals, holds, merged, minus, of_offsets
from audit.rows import Row, of_row, sha256_of_row
from audit.verdict import Verdict

WINDOW_RECORDS, WINDOW_BATCHES = 250_000, 1000


class Records(Protocol):
    """What the judge asks of Kafka. Transaction markers and aborted records do not count."""

    skipped: set[TopicPartition]
    """Partitions that are not judged."""

    def bounds(self) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset and the end of each partition that is judged, now."""

    def read(self, spans: Spans) -> dict[TopicPartition, dict[int, bytes]]:
        """What `of_record` makes of each record in these intervals that is there now."""

    def compacted(self, topic: str) -> bool:
        """Whether Kafka may remove records from the topic's middle."""

    def vouched(self, topic: str, partition: int, offset: int, sha256: str | None) -> bool:
        """Whether a ledger knows the record, by its value's hash."""


def judge(
    kafka: Records,
    batches: Iterable[Batch],
    unseen: Callable[[], Iterable[str]] = tuple,
    chain: Chain | None = None,
    to_the_end: bool = True,
    window_records: int = WINDOW_RECORDS,
    units: Iterable[Batch] = (),
    deletions: Deletions = NONE,
) -> Verdict:
    """Compare what Kafka holds with what is published.

    `units` come first, then `batches`, in the order of their names, from the one that `chain`
    expects; `deletions` say what may and what must be gone from the units. `to_the_end` says that
    they are all that follow: a record in none of them is lost. `unseen` is asked last, for
    coordinates of acknowledged records that Kafka lacks.
    """
    verdict, chain = Verdict(), chain or Chain()
    judgement = _Judgement(kafka, verdict, chain.covered, deletions)
    linked = itertools.chain(map(chain.link_unit, units), map(chain.link, batches))
    for window in _windows(linked, window_records):
        judgement.window(window)
    judgement.strays()
    if to_the_end:
        judgement.unclaimed(window_records)
    judgement.close()
    for where in unseen():
        verdict.convict("unseen", where)
    return verdict


def _windows(batches: Iterable[Linked], window_records: int) -> Iterator[list[Linked]]:
    """The batches in groups, each of which claims about one window of records."""
    window: list[Linked] = []
    records = 0
    for linked in batches:
        window.append(linked)
        records += (
            sum(end - start for *_, start, end in linked.manifest.ranges) if linked.manifest else 0
        )
        if records >= window_records or len(window) == WINDOW_BATCHES:
            yield window
            window, records = [], 0
    if window:
        yield window


class _Judgement:
    """`done` is what batches have claimed so far, `missing` the records in it that have no row."""

    def __init__(self, kafka: Records, verdict: Verdict, done: Spans, deletions: Deletions) -> None:
        self.kafka, self.verdict, self.deletions = kafka, verdict, deletions
        self.begin = dict(done)
        self.tombstones: set[str] = set()
        self.reasons: dict[str, str] = {}  # of what is erased, by its coordinates
        self.at_start = self.now = kafka.bounds()
        self.done, self.missing = dict(done), dict[TopicPartition, Intervals]()
        self.rows_astray: dict[TopicPartition, dict[int, list[bytes]]] = {}
        self.twice: set[tuple[str, int, int]] = set()

    def window(self, window: list[Linked]) -> None:
        """Judge these batches, and note the records that they claim without having a row."""
        claimed: Spans = {}
        for linked in window:
            for at, ranges in (ranges_of(linked.manifest) if linked.manifest else {}).items():
                claimed.setdefault(at, []).extend(ranges)
        fresh = {
            at: minus(merged(ranges), self.done.get(at, []))
            for at, ranges in claimed.items()
            if at in self.at_start
        }
        records = self._read(fresh)
        published: dict[TopicPartition, set[int]] = {at: set() for at in fresh}
        for linked in window:
            for at, row, line in self._rows(linked):
                offset, digest = row.kafka.offset, of_row(row, line)
                record = records[at].get(offset) if at in fresh else None
                if record is None and not holds(fresh.get(at, []), offset):
                    self.rows_astray.setdefault(at, {}).setdefault(offset, []).append(digest)
                    continue
                if offset in published[at]:
                    self.twice.add((*at, offset))
                published[at].add(offset)
                if row.erased is not None:
                    self.reasons[f"{at[0]}[{at[1]}] {offset}"] = row.erased
                    continue
                self._hold(at, offset, record, digest, partial(sha256_of_row, row, line))
        for at, held in records.items():
            self.missing[at] = merged(
                self.missing.get(at, []) + of_offsets(held.keys() - published[at])
            )
            self.done[at] = merged(self.done.get(at, []) + fresh[at])

    def _rows(self, linked: Linked) -> Iterator[tuple[TopicPartition, Row, bytes]]:
        """The batch's rows of partitions that are judged; its files are not opened if it has none
        by its manifest."""
        of_unit = isinstance(linked.manifest, Unit)
        self.verdict.units += of_unit
        self.verdict.batches += not of_unit
        for error in linked.errors:
            self._broken(linked, error)
        ranges = ranges_of(linked.manifest) if linked.manifest else {}
        if ranges and ranges.keys() <= self.kafka.skipped:
            return
        for row, line in audit_batch.rows(linked, lambda error: self._broken(linked, error)):
            at = row.kafka.topic, row.kafka.partition
            if at not in self.kafka.skipped:
                self.verdict.rows[row.kind] += 1
                if row.deleted:
                    self.tombstones.add(f"{at[0]}[{at[1]}] {row.kafka.offset}")
                elif of_unit and self.deletions.overdue(row):
                    self._convict("undeleted", at, row.kafka.offset)
                yield at, row, line

    def strays(self) -> None:
        """Judge the rows outside what their batches claim."""
        for at, rows in self.rows_astray.items():
            self.now = self.kafka.bounds()
            there = self.kafka.read({at: of_offsets(set(rows))})[at] if at in self.now else {}
            self.now = self.kafka.bounds()
            for offset, digests in sorted(rows.items()):
                claimed = (
                    offset in there
                    and holds(self.done.get(at, []), offset)
                    and not holds(self.missing.get(at, []), offset)
                )
                if len(digests) > 1 or claimed:
                    self.twice.add((*at, offset))
                for digest in digests:
                    self._hold(at, offset, there.get(offset), digest)

    def unclaimed(self, window_records: int) -> None:
        """Note what Kafka held at the start and no batch claims."""
        for at, bounds in self.at_start.items():
            for start, end in minus([bounds], self.done.get(at, [])):
                for first in range(start, end, window_records):
                    found = self._read({at: [(first, min(end, first + window_records))]})[at]
                    self.missing[at] = merged(self.missing.get(at, []) + of_offsets(set(found)))

    def close(self) -> None:
        """Say what is duplicated; what is missing, and not even astray, is lost, and so is what was
        erased without a deletion."""
        for where, reason in self.reasons.items():
            if not self.deletions.explain(reason, self.tombstones, self.begin):
                self.verdict.convict("lost", f"{where}: erased by {reason!r}, which is not there")
        for topic, partition, offset in sorted(self.twice):
            self._convict("duplicated", (topic, partition), offset)
        for (topic, partition), missing in sorted(self.missing.items()):
            found = of_offsets(set(self.rows_astray.get((topic, partition), {})))
            for start, end in minus(missing, found):
                self.verdict.convict("lost", f"{topic}[{partition}] [{start}, {end})", end - start)

    def _read(self, spans: Spans) -> dict[TopicPartition, dict[int, bytes]]:
        """Records that are judged for the first time, and the bounds after their reading."""
        records = self.kafka.read(spans)
        self.now = self.kafka.bounds()
        self.verdict.in_kafka += sum(map(len, records.values()))
        return records

    def _hold(
        self,
        at: TopicPartition,
        offset: int,
        record: bytes | None,
        row: bytes,
        sha256: Callable[[], str | None] = lambda: "none",
    ) -> None:
        """Hold a row's digest against its record's."""
        if record is not None:
            if row not in (record[:16], record[16:]):
                self._convict("corrupted", at, offset)
            return
        beginning, end = self.now.get(at, (0, 0))
        if offset >= end or (offset >= beginning and not self.kafka.compacted(at[0])):
            self._convict("invented", at, offset)
        elif not self.kafka.vouched(*at, offset, sha256()):
            self.verdict.unjudged += 1

    def _convict(self, kind: str, at: TopicPartition, offset: int) -> None:
        self.verdict.convict(kind, f"{at[0]}[{at[1]}] {offset}")

    def _broken(self, linked: Linked, error: str) -> None:
        name = linked.batch.name
        where = name if name.startswith("units/") else f"batches/{name}"
        self.verdict.convict("chain_errors", f"{where}: {error}")
