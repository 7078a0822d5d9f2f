"""What the audit reads: Kafka through kafka-python, HDFS over WebHDFS, the producer's ledger."""

import gzip
import hashlib
import io
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from audit_chain import Batch
from audit_judge import Partition, TopicPartition, of_record
from hdfs import InsecureClient
from hdfs.util import HdfsError
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

PATIENCE_S = 30


class CannotTell(Exception):
    """The audit has no verdict: something to judge is missing or does not answer."""


Ledger = dict[tuple[str, int, int], str | None]


def ledger(path: str) -> Ledger:
    """The sha256 (of the value, None for a null value) of each acknowledged record, by its coordinates."""
    entries: Ledger = {}
    for number, text in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            entries[line["topic"], line["partition"], line["offset"]] = line["sha256"]
        except (ValueError, KeyError, TypeError):
            raise CannotTell(f"line {number} of {path} is no ledger's line") from None
    return entries


class Topics:
    """The topics on a broker."""

    def __init__(self, bootstrap: str, topics: list[str]) -> None:
        self.consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            bootstrap_timeout_ms=PATIENCE_S * 1000,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            check_crcs=False,  # slow in Python, and damage would show in the comparison
            max_poll_records=5000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        self.topics = topics

    def ends(self) -> dict[TopicPartition, int]:
        """The end offset of every partition now."""
        return {(at.topic, at.partition): end for at, end in self.consumer.end_offsets(self._partitions()).items()}

    def read(self, acknowledged: Ledger) -> dict[TopicPartition, Partition]:
        """Every record from the beginning to the ends of now. What it meets as acknowledged leaves the ledger."""
        partitions = self._partitions()
        beginnings, ends = self.consumer.beginning_offsets(partitions), self.consumer.end_offsets(partitions)
        held = {at: Partition(beginnings[at], ends[at]) for at in partitions}
        self.consumer.assign(partitions)
        for at in partitions:
            self.consumer.seek(at, beginnings[at])
        unread = {at for at in partitions if beginnings[at] < ends[at]}
        heard = time.monotonic()
        while unread:
            for at, records in self.consumer.poll(timeout_ms=500).items():
                heard = time.monotonic()
                for record in records:
                    if record.offset < ends[at]:
                        held[at].records[record.offset] = of_record(record.timestamp, record.key, record.value)
                        _strike(acknowledged, record)
            done = {at for at in unread if self.consumer.position(at) >= ends[at]}
            self.consumer.pause(*done)
            unread -= done
            if unread and time.monotonic() > heard + PATIENCE_S:
                raise CannotTell(f"Kafka sends nothing of {sorted(unread)[0]} for {PATIENCE_S} s")
        for coordinates in [key for key in acknowledged if key[2] < beginnings.get(KafkaPartition(*key[:2]), 0)]:
            del acknowledged[coordinates]  # Kafka's retention has dropped it, after it was there
        return {(at.topic, at.partition): partition for at, partition in held.items()}

    def _partitions(self) -> list[KafkaPartition]:
        found = []
        for topic in self.topics:
            numbers = self.consumer.partitions_for_topic(topic)
            if not numbers:
                raise CannotTell(f"there is no topic {topic}")
            found += [KafkaPartition(topic, number) for number in sorted(numbers)]
        return found


def _strike(acknowledged: Ledger, record: object) -> None:
    coordinates = (record.topic, record.partition, record.offset)
    if coordinates in acknowledged:
        sha256 = None if record.value is None else hashlib.sha256(record.value).hexdigest()
        if acknowledged[coordinates] == sha256:
            del acknowledged[coordinates]


def batches(webhdfs: str, output: str) -> Iterator[Batch]:
    """The directories of the shards in `<output>/batches`, by name; none if it does not exist. `output` is a path on HDFS."""
    client = InsecureClient(webhdfs, timeout=PATIENCE_S)
    root = f"{output.rstrip('/')}/batches"
    status = client.status(root, strict=False)
    for shard in sorted(client.list(root)) if status else []:
        for name in sorted(client.list(f"{root}/{shard}")):
            yield _batch(client, f"{root}/{shard}/{name}", f"{shard}/{name}")


def _batch(client: InsecureClient, folder: str, name: str) -> Batch:
    lengths = {}
    if client.status(folder)["type"] == "DIRECTORY":
        for (directory, _), _, files in client.walk(folder, status=True):
            for file, status in files:
                lengths[f"{directory}/{file}".removeprefix(f"{folder}/")] = status["length"]
    manifest = None
    if "_manifest.json" in lengths:
        manifest = _content(client, f"{folder}/_manifest.json", lengths.pop("_manifest.json"))

    def lines(path: str) -> Iterable[bytes]:
        content = io.BytesIO(_content(client, f"{folder}/{path}", lengths[path]))
        reader = io.BufferedReader(gzip.GzipFile(fileobj=content)) if path.endswith(".gz") else content
        return (line.removesuffix(b"\n") for line in reader)

    return Batch(name, manifest, lengths, lines)


def _content(client: InsecureClient, path: str, length: int) -> bytes:
    with client.read(path) as reader:
        content: bytes = reader.read()
    if len(content) != length:
        raise HdfsError(f"got {len(content)} of {length} bytes of {path}")
    return content
