"""The audit's judgement: plain values in, a verdict out. No service, and no line shared with the pipeline it judges."""

import base64
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from audit_chain import Batch, Chain, Manifest, TopicPartition, merged
from msgspec import Struct

KINDS = ("lost", "duplicated", "invented", "corrupted", "unseen", "chain_errors")
SAMPLES = 20


@dataclass
class Partition:
    """What Kafka holds of a partition: the bounds at the audit's start, and of each record the digests that `of_record` made."""

    beginning: int
    end: int
    records: dict[int, bytes] = field(default_factory=dict)


class Coordinates(Struct):
    topic: str
    partition: int
    offset: int
    timestamp: int


class Sentiment(Struct):
    compound: float
    neg: float
    neu: float
    pos: float
    label: str


class Row(Struct):
    kafka: Coordinates
    id: str | None = None
    deleted: bool = False
    key: str | None = None
    reason: str | None = None
    raw: bytes = b""
    sentiment: Sentiment | None = None


@dataclass
class Verdict:
    """The figures and findings; `samples` has up to 20 coordinates of each kind. `unjudged` are rows of offsets that Kafka has
    dropped meanwhile, or that were not there yet when the audit began."""

    in_kafka: int = 0
    batches: int = 0
    tweets: int = 0
    deleted: int = 0
    rejected: int = 0
    unjudged: int = 0
    findings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    samples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def published(self) -> int:
        """Rows of all three kinds."""
        return self.tweets + self.deleted + self.rejected

    @property
    def empty(self) -> bool:
        """Whether there was nothing to judge: an idle pipeline must not pass."""
        others = sum(count for kind, count in self.findings.items() if kind != "lost")
        return not others and not (self.in_kafka and self.published)

    def convict(self, kind: str, where: str, count: int = 1) -> None:
        """Note `count` findings of a kind at these coordinates."""
        self.findings[kind] += count
        if len(self.samples[kind]) < SAMPLES:
            self.samples[kind].append(where)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        figures = ("in_kafka", "published", "tweets", "deleted", "rejected", "unjudged", "batches")
        return {**{name: getattr(self, name) for name in figures}, **self.findings, "samples": self.samples}


def of_record(timestamp: int, key: bytes | None, value: bytes | None) -> bytes:
    """32 bytes of digests: 16 of the record as a tweet's line has it (without line breaks), 16 as a rejected line has it."""
    if value is None:
        return 2 * _digest(b"tombstone", timestamp, _key_text(key), b"")
    one_line = value.replace(b"\r", b"").replace(b"\n", b"")
    return _digest(b"tweet", timestamp, None, one_line) + _digest(b"rejected", timestamp, _key_text(key), value)


def of_row(row: Row, line: bytes) -> bytes:
    """The 16 bytes that one half of its record's digests has to equal."""
    if row.reason is not None:
        return _digest(b"rejected", row.kafka.timestamp, row.key, row.raw)
    # A line's first `,"tweet":` is its own key: within a JSON string the quotes have backslashes.
    value = line.partition(b',"tweet":')[2][:-1]
    if row.deleted and value == b"null":
        return _digest(b"tombstone", row.kafka.timestamp, row.id, b"")
    return _digest(b"tweet", row.kafka.timestamp, None, value)


def _digest(kind: bytes, timestamp: int, key: str | None, value: bytes) -> bytes:
    head = f"{timestamp} {key!r} ".encode(errors="backslashreplace")
    return hashlib.blake2b(kind + head + value, digest_size=16).digest()


def _key_text(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(key).decode()


def judge(
    kafka: dict[TopicPartition, Partition],
    batches: Iterable[Batch],
    ends_now: Callable[[], dict[TopicPartition, int]],
    unseen: Iterable[str] = (),
) -> Verdict:
    """Compare what Kafka holds with what is published.

    `batches` come in the order of their names; `ends_now` is asked after the last one, since both may grow while we read;
    `unseen` are coordinates of acknowledged records that Kafka does not hold.
    """
    verdict = Verdict(in_kafka=sum(len(partition.records) for partition in kafka.values()))
    for where in unseen:
        verdict.convict("unseen", where)
    chain = Chain()
    published = _Published(verdict, kafka)
    for batch in batches:
        verdict.batches += 1
        manifest, errors = chain.link(batch)
        for error in errors:
            verdict.convict("chain_errors", f"batches/{batch.name}: {error}")
        _read_batch(batch, manifest, published, verdict)
    published.close(ends_now())
    return verdict


class _Published:
    """All rows seen, against Kafka's records."""

    def __init__(self, verdict: Verdict, kafka: dict[TopicPartition, Partition]) -> None:
        self.verdict, self.kafka = verdict, kafka
        self.offsets: dict[TopicPartition, set[int]] = {partition: set() for partition in kafka}
        self.duplicated: set[tuple[str, int, int]] = set()
        self.later: list[tuple[str, int, int]] = []

    def add(self, row: Row, line: bytes) -> None:
        """Judge one row by the record it says it is."""
        at = row.kafka
        offsets = self.offsets.setdefault((at.topic, at.partition), set())
        if at.offset in offsets:
            self.duplicated.add((at.topic, at.partition, at.offset))
        offsets.add(at.offset)
        partition = self.kafka.get((at.topic, at.partition))
        if partition is None or at.offset >= partition.end:
            self.later.append((at.topic, at.partition, at.offset))
        elif at.offset < partition.beginning:
            self.verdict.unjudged += 1
        elif at.offset not in partition.records:
            self.verdict.convict("invented", f"{at.topic}[{at.partition}] {at.offset}")
        else:
            record, mine = partition.records[at.offset], of_row(row, line)
            unscored = row.sentiment is None and row.reason is None and not row.deleted
            if mine not in (record[:16], record[16:]) or unscored:
                self.verdict.convict("corrupted", f"{at.topic}[{at.partition}] {at.offset}")

    def close(self, ends: dict[TopicPartition, int]) -> None:
        """Judge what only the end can tell: what is missing, and rows beyond the ends at the start, by the `ends` of now."""
        for topic, partition, offset in sorted(self.duplicated):
            self.verdict.convict("duplicated", f"{topic}[{partition}] {offset}")
        for topic, partition, offset in self.later:
            if offset < ends.get((topic, partition), 0):
                self.verdict.unjudged += 1
            else:
                self.verdict.convict("invented", f"{topic}[{partition}] {offset}")
        for (topic, partition), held in self.kafka.items():
            lost = held.records.keys() - self.offsets[topic, partition]
            for start, end in merged([(offset, offset + 1) for offset in lost]):
                self.verdict.convict("lost", f"{topic}[{partition}] [{start}, {end})", end - start)


def _read_batch(batch: Batch, manifest: Manifest | None, published: _Published, verdict: Verdict) -> None:
    """Judge every line a reader of the directory would see, listed or not, and the manifest's figures by them."""
    counts = {"tweets": 0, "deleted": 0, "rejected": 0}
    listed = {file.path: file.records for file in manifest.files} if manifest else {}
    outside = 0
    for path in sorted(batch.lengths):
        records = 0
        try:
            for line in batch.lines(path):
                records += 1
                try:
                    row = _row(line)
                    published.add(row, line)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    verdict.convict("chain_errors", f"batches/{batch.name}/{path}: line {records} is not a row")
                    continue
                counts["rejected" if row.reason is not None else "deleted" if row.deleted else "tweets"] += 1
                outside += manifest is not None and not _within(row.kafka, manifest.ranges)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            verdict.convict("chain_errors", f"batches/{batch.name}/{path}: not readable after line {records}: {error}")
        if listed.get(path, records) != records:
            verdict.convict("chain_errors", f"batches/{batch.name}/{path}: {records} records, the manifest says {listed[path]}")
    if manifest and any(counts[kind] != manifest.counts.get(kind, 0) for kind in counts):
        verdict.convict("chain_errors", f"batches/{batch.name}: counts are {counts}, the manifest says {manifest.counts}")
    if outside:
        verdict.convict("chain_errors", f"batches/{batch.name}: {outside} rows outside the manifest's ranges")
    verdict.tweets += counts["tweets"]
    verdict.deleted += counts["deleted"]
    verdict.rejected += counts["rejected"]


def _row(line: bytes) -> Row:
    """The row but for its tweet, whose bytes `of_row` vouches for: no decoder here takes the half surrogate pairs in some."""
    head, found, _ = line.partition(b',"tweet":')
    return msgspec.json.decode(head + b"}" if found else line, type=Row)


def _within(at: Coordinates, ranges: list[tuple[str, int, int, int]]) -> bool:
    return any(
        (topic, partition) == (at.topic, at.partition) and start <= at.offset < end for topic, partition, start, end in ranges
    )
