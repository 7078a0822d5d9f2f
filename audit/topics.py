"""What the audit reads of Kafka, through kafka-python, and the producer's ledger."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from audit import access
from audit.chain import Spans, TopicPartition
from audit.intervals import Intervals
from audit.rows import of_record

PATIENCE_S = 30
NEAR = 10_000  # offsets that are quicker read than skipped by a seek


class CannotTell(Exception):
    """The audit has no verdict: something to judge is missing or does not answer."""


Ledger = dict[tuple[str, int, int], str | None]


def ledger(path: str) -> Ledger:
    """The sha256 (of the value, None for a null value) of each acknowledged record, by its
    coordinates.

    A last line without its end is one that the producer is writing.
    """
    entries: Ledger = {}
    text = Path(path).read_text(encoding="utf-8")
    for number, entry in enumerate(text[: text.rfind("\n") + 1].splitlines(), 1):
        try:
            line = json.loads(entry)
            entries[line["topic"], line["partition"], line["offset"]] = line["sha256"]
        except (ValueError, KeyError, TypeError):
            raise CannotTell(f"line {number} of {path} is not a line of a ledger") from None
    return entries


class Topics:
    """Topics on a broker, or some of their partitions: what a consumer of committed records can
    read.

    What is read and as `acknowledged` leaves that ledger. `login` has kafka-python's properties of
    a secured Kafka.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: dict[str, set[int] | None],
        acknowledged: Ledger,
        login: Mapping[str, Any],
    ) -> None:
        self.servers, self.login = bootstrap.split(","), login
        with access.explained(login):
            self.consumer = KafkaConsumer(
                **login,
                bootstrap_servers=self.servers,
                bootstrap_timeout_ms=PATIENCE_S * 1000,
                allow_auto_create_topics=False,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                isolation_level="read_committed",  # what a transaction took back was never there
                check_crcs=False,  # slow in Python, and damage would show in the comparison
                max_poll_records=5000,
                max_partition_fetch_bytes=4 * 1024 * 1024,
            )
        self.partitions: list[KafkaPartition] = []
        self.skipped: set[TopicPartition] = set()
        for topic, chosen in partitions.items():
            there = self.consumer.partitions_for_topic(topic)
            if not there and access.is_secured(login):
                raise access.Refused(f"there is no topic {topic} that this user may READ", 5)
            if not there:
                raise CannotTell(f"there is no topic {topic}")
            if chosen and chosen - there:
                raise CannotTell(f"there is no partition {topic}[{min(chosen - there)}]")
            self.partitions += [KafkaPartition(topic, number) for number in sorted(chosen or there)]
            self.skipped |= {(topic, number) for number in there - (chosen or there)}
        self.acknowledged = {
            at: sha256 for at, sha256 in acknowledged.items() if at[:2] not in self.skipped
        }
        self.changed: set[tuple[str, int, int]] = set()  # acknowledged with another value
        self.compacted = cache(self._compacted)

    def bounds(self) -> dict[TopicPartition, tuple[int, int]]:
        """The beginning of each partition, and where its committed records end, now."""
        ends = self.consumer.end_offsets(self.partitions)
        beginnings = self.consumer.beginning_offsets(self.partitions)
        return {(at.topic, at.partition): (beginnings[at], ends[at]) for at in self.partitions}

    def read(self, spans: Spans) -> dict[TopicPartition, dict[int, bytes]]:
        """The digests of each record in these intervals. Raises CannotTell when Kafka falls
        silent."""
        bounds, held = self.bounds(), {at: dict[int, bytes]() for at in spans}
        left = {
            KafkaPartition(*at): _within(intervals, *bounds[at]) for at, intervals in spans.items()
        }
        left = {at: intervals for at, intervals in left.items() if intervals}
        self._follow(left)
        for at, intervals in left.items():
            self.consumer.seek(at, intervals[0][0])
        heard, positions = time.monotonic(), dict[KafkaPartition, int]()
        while left:
            for at, records in self.consumer.poll(timeout_ms=500).items():
                self._take(records, left[at], held[at.topic, at.partition])
            before, positions = positions, {at: self.consumer.position(at) for at in left}
            self._go_on(left, positions)
            if before != positions:
                heard = time.monotonic()
            elif time.monotonic() > heard + PATIENCE_S:
                at = min(left)
                raise CannotTell(
                    f"Kafka sends nothing of {at.topic}[{at.partition}] at {positions[at]} for "
                    f"{PATIENCE_S} s"
                )
        return held

    def unseen(self) -> list[str]:
        """Where the records are that are acknowledged and were not read, though neither retention
        nor compaction explains it."""
        bounds = self.bounds()
        return [
            f"{topic}[{partition}] {offset}"
            for topic, partition, offset in sorted(self.acknowledged)
            if (topic, partition, offset) in self.changed
            or (topic, partition) not in bounds
            or (offset >= bounds[topic, partition][0] and not self.compacted(topic))
        ]

    def vouched(self, topic: str, partition: int, offset: int, sha256: str | None) -> bool:
        """Whether the ledger has this record."""
        at = topic, partition, offset
        return at in self.acknowledged and self.acknowledged[at] == sha256

    def _compacted(self, topic: str) -> bool:
        admin = KafkaAdminClient(**self.login, bootstrap_servers=self.servers)
        try:
            wanted = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": None})
            configs = admin.describe_configs([wanted], config_filter="all")
        finally:
            admin.close()
        return "compact" in configs["topic"][topic]["cleanup.policy"]["value"]

    def _take(self, records: list[Any], intervals: Intervals, held: dict[int, bytes]) -> None:
        """Keep the records that are in the intervals; what is behind the records is taken off the
        intervals."""
        for record in records:
            while intervals and record.offset >= intervals[0][1]:
                intervals.pop(0)
            if not intervals:
                return
            if record.offset >= intervals[0][0]:
                held[record.offset] = of_record(record.timestamp, record.key, record.value)
                if self.acknowledged:
                    self._strike(record)

    def _go_on(
        self, left: dict[KafkaPartition, Intervals], positions: dict[KafkaPartition, int]
    ) -> None:
        """Leave the partitions that are read, and skip what was not asked for."""
        for at, position in positions.items():
            while left[at] and position >= left[at][0][1]:
                left[at].pop(0)
            if not left[at]:
                del left[at]
            elif left[at][0][0] > position + NEAR:
                self.consumer.seek(at, left[at][0][0])
        if len(left) < len(positions):
            self._follow(left)

    def _follow(self, left: Iterable[KafkaPartition]) -> None:
        """Fetch these partitions only. Each that stays keeps its position. (One that is paused and
        resumed may never be fetched again: kafka-python 3.0.12 puts what it had of it aside, and
        takes it back only while no other partition's last records are in hand.)"""
        self.consumer.assign(list(left))

    def _strike(self, record: Any) -> None:
        coordinates = (record.topic, record.partition, record.offset)
        if coordinates in self.acknowledged:
            sha256 = None if record.value is None else hashlib.sha256(record.value).hexdigest()
            if self.acknowledged[coordinates] == sha256:
                del self.acknowledged[coordinates]
            else:
                self.changed.add(coordinates)


def _within(intervals: Intervals, beginning: int, end: int) -> Intervals:
    clipped = ((max(start, beginning), min(until, end)) for start, until in intervals)
    return [(start, until) for start, until in clipped if start < until]
