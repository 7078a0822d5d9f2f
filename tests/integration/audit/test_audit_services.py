"""The audit on a real broker and real HDFS: what Kafka removes, takes back or compresses, and
slices of an output.

Most outputs here are written by hand, honest or not: the audit is on trial, not the jobs.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from audit.topics import Topics
from producer.sources.sample import sample
from tests.conftest import ROOT, Services, wait_until
from tests.kit.audit_world import NOW, World
from tests.kit.jobs import audit, path_of, run_job
from tests.kit.producing import produce

Values = dict[int, tuple[bytes | None, bytes | None]]


def tweets(count: int, first: int = 0, size: int = 20) -> Values:
    """`count` records from this offset on."""
    return {
        n: (b"%d" % n, b'{"id":"%d","text":"%s"}' % (n, b"tea " * (size // 4)))
        for n in range(first, first + count)
    }


def send(producer: Any, topic: str, records: Values, partition: int = 0) -> None:
    """Onto the topic, at the offsets that the records say, if it ends with the first of them."""
    for offset, (key, value) in records.items():
        producer.produce(topic, value, key, partition, timestamp=NOW + offset)
    assert producer.flush(60) == 0


def write(services: Services, output: str, world: World) -> None:
    """The world's batches onto HDFS, in the order of their numbers."""
    previous = None
    for batch in world.batches:
        folder = f"{path_of(output)}/batches/{batch['name']}"
        packed = {
            path: gzip.compress(b"".join(line + b"\n" for line in lines))
            for path, lines in batch["files"].items()
        }
        files = [
            {**file, "bytes": len(packed[file["path"]])} for file in batch["manifest"]["files"]
        ]
        manifest = json.dumps({**batch["manifest"], "files": files, "previous": previous}).encode()
        for path, data in {**packed, "_manifest.json": manifest}.items():
            services.files.write(f"{folder}/{path}", data=data)
        previous = hashlib.sha256(manifest).hexdigest()


def published(topic: str, records: Values, *ends: int) -> World:
    """An output of partition 0 with these records, its batches ending at these offsets."""
    world = World(records={(topic, 0): records})
    for start, end in zip((0, *ends), ends, strict=False):
        world.publish((topic, 0, start, end))
    return world


def old(admin: KafkaAdminClient, partitions: int) -> str:
    """A topic whose records may be as old as the world's."""
    name, for_ever = f"test-{uuid.uuid4().hex[:12]}", {"retention.ms": "-1"}
    kind = {"num_partitions": partitions, "replication_factor": 1, "configs": for_ever}
    admin.create_topics({name: kind}, wait_for_metadata=True)
    return name


@pytest.fixture
def one(admin: KafkaAdminClient) -> Iterator[str]:
    """Such a topic of one partition."""
    name = old(admin, 1)
    yield name
    admin.delete_topics([name], raise_errors=False)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_each_of_kafkas_codecs_is_read(
    services: Services, one: str, output: str, codec: str
) -> None:
    records = tweets(300, size=400)
    send(
        Producer(
            {"bootstrap.servers": services.bootstrap, "compression.type": codec, "linger.ms": 50}
        ),
        one,
        records,
    )
    write(services, output, published(one, records, 100, 300))
    verdict = audit(services, one, output)
    assert verdict["in_kafka"] == verdict["published"] == 300


def test_what_a_transaction_took_back_was_never_there(
    services: Services, one: str, output: str
) -> None:
    producer = Producer({"bootstrap.servers": services.bootstrap, "transactional.id": one})
    producer.init_transactions(60)
    # 10 records and their marker; as many bytes taken back as several fetches bring; 5 records; and
    # 3 that are not decided
    kept, taken_back, later, open_ = (
        tweets(10),
        tweets(90, 11, 100_000),
        tweets(5, 102),
        tweets(3, 108),
    )
    for records, decide in (
        (kept, "commit"),
        (taken_back, "abort"),
        (later, "commit"),
        (open_, None),
    ):
        producer.begin_transaction()
        send(producer, one, records)
        if decide:
            getattr(producer, f"{decide}_transaction")(60)
    write(services, f"{output}/committed", published(one, kept | later, 50, 108))
    verdict = audit(services, one, f"{output}/committed")
    assert (verdict["in_kafka"], verdict["published"], verdict["unjudged"]) == (15, 15, 0)
    write(services, f"{output}/all", published(one, kept | taken_back | later | open_, 50, 111))
    verdict = audit(services, one, f"{output}/all", expect=1)
    assert {kind: verdict[kind] for kind in ("lost", "invented", "corrupted", "chain_errors")} == {
        "lost": 0,
        "invented": 93,
        "corrupted": 0,
        "chain_errors": 0,
    }
    producer.abort_transaction(60)


def test_what_compaction_removed_is_not_invented(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path
) -> None:
    topic, ledger = f"test-{uuid.uuid4().hex[:12]}", tmp_path / "ledger"
    short = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0"}
    admin.create_topics(
        {topic: {"num_partitions": 1, "replication_factor": 1, "configs": short}},
        wait_for_metadata=True,
    )
    values = [record.value or b"" for record in islice(sample(1), 60)]
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b"\n".join(values))
    for _ in range(3):  # the same keys, each time in a segment of its own
        produce(
            services,
            "--source",
            "replay",
            "--file",
            str(file),
            "--topic",
            topic,
            "--ledger",
            str(ledger),
        )
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 180

    def left() -> int:
        """How many records a consumer gets."""
        there = TopicPartition(topic, 0)
        with closing(
            KafkaConsumer(bootstrap_servers=services.bootstrap, enable_auto_commit=False)
        ) as consumer:
            consumer.assign([there])
            consumer.seek(there, 0)
            end, found = consumer.end_offsets([there])[there], 0
            while consumer.position(there) < end:
                found += sum(map(len, consumer.poll(timeout_ms=500).values()))
        return found

    compact = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "compact"})
    admin.alter_configs([compact])
    wait_until(lambda: left() < 180, 120, "Kafka compacts the topic")
    verdict = audit(services, topic, output)
    assert (verdict["published"], verdict["unjudged"]) == (180, 180 - verdict["in_kafka"])
    verdict = audit(services, topic, output, "--ledger", str(ledger))
    assert (verdict["unseen"], verdict["unjudged"]) == (0, 0), "the ledger knows them all"


def test_retention_between_the_audits_first_question_and_its_reading(
    services: Services, admin: KafkaAdminClient, one: str, output: str
) -> None:
    from audit.files import Output
    from audit.judge import judge

    records = tweets(40)
    send(Producer({"bootstrap.servers": services.bootstrap}), one, records)
    write(services, output, published(one, records, 10, 40))

    class Overtaken(Topics):
        def bounds(self) -> Any:
            found = super().bounds()
            admin.delete_records({TopicPartition(one, 0): 15})
            return found

    verdict = judge(
        Overtaken(services.bootstrap, {one: None}, {}, {}),
        Output(services.webhdfs, path_of(output)).batches(),
    )
    assert not any(verdict.findings.values()), verdict.samples
    assert (verdict.in_kafka, verdict.published, verdict.unjudged) == (25, 40, 15)


def test_what_does_not_belong_is_named_and_judged(
    services: Services, one: str, output: str
) -> None:
    records = tweets(40)
    send(Producer({"bootstrap.servers": services.bootstrap}), one, records)
    world = published(one, records, 10, 40)
    write(services, output, world)
    folder = f"{path_of(output)}/batches"
    row = gzip.compress(world.lines(0)[3] + b"\n")
    for name, data in (
        ("note", b"?"),
        ("0000000/note", b"?"),
        ("0000000/0000000000/tweets/part-9.json.gz", row),
    ):
        services.files.write(f"{folder}/{name}", data=data)
    verdict = audit(services, one, output, expect=1)
    assert (verdict["duplicated"], verdict["samples"]["duplicated"]) == (1, [f"{one}[0] 3"])
    assert verdict["samples"]["chain_errors"][0] == (
        "batches/0000000/0000000000: tweets/part-9.json.gz is not in the manifest"
    )
    assert {where.partition(":")[0] for where in verdict["samples"]["chain_errors"]} == {
        "batches/0000000/0000000000",
        "batches/0000000/note",
        "batches/note",
    }
    assert not any(verdict[kind] for kind in ("lost", "invented", "corrupted"))


def test_slices(services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path) -> None:
    topic = old(admin, 3)
    parts = {(topic, partition): tweets(20, size=20 + partition) for partition in range(3)}
    producer, world = Producer({"bootstrap.servers": services.bootstrap}), World(records=parts)
    for (_, partition), records in parts.items():
        send(producer, topic, records, partition)
    for start in (0, 5, 10):
        world.publish(*[(topic, partition, start, start + 5) for partition in (0, 1)])
    world.publish((topic, 2, 0, 20), (topic, 0, 15, 20))
    write(services, output, world)

    def figures(*arguments: str, expect: int = 0) -> tuple[int, int, int]:
        verdict = audit(services, topic, output, *arguments, expect=expect)
        return verdict["in_kafka"], verdict["published"], verdict["lost"]

    assert figures(expect=1) == (60, 55, 5)
    assert figures("--partition", "0", "--partition", f"{topic}:2") == (40, 40, 0)
    assert figures("--partition", "1", expect=1) == (20, 15, 5)
    assert figures("--from-batch", "1", "--until-batch", "3") == (20, 20, 0)
    assert figures("--from-batch", "3", expect=1) == (30, 25, 5)
    assert figures("--from-batch", "1", "--partition", "2") == (20, 20, 0)

    command = [
        sys.executable,
        str(ROOT / "scripts" / "audit.py"),
        "--topic",
        topic,
        "--output",
        output,
    ]
    command += ["--bootstrap", services.bootstrap, "--webhdfs", services.webhdfs]
    for arguments, code, words in (
        (["--from-batch", "9"], 3, "there is no batch 8 in front of --from-batch"),
        (["--partition", "7"], 3, f"there is no partition {topic}[7]"),
        (["--partition", "x:1"], 2, "--partition wants N, or TOPIC:N"),
        (
            ["--ledger", str(tmp_path / "ledger"), "--until-batch", "1"],
            2,
            "--ledger wants all batches",
        ),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_a_partition_is_read_again_after_the_others(services: Services, topic: str) -> None:
    """As the audit does: the published beginnings of all partitions, then each one's rest. As many
    records as a poll takes at most leave the consumer with some of one partition in hand."""
    producer, lengths = Producer({"bootstrap.servers": services.bootstrap}), (1703, 1651, 1646)
    for partition, length in enumerate(lengths):
        send(producer, topic, tweets(length), partition)
    found = Topics(services.bootstrap, {topic: None}, {}, {})
    with closing(found.consumer):
        begun = found.read({(topic, partition): [(0, 100)] for partition in range(3)})
        assert [len(records) for records in begun.values()] == [100, 100, 100]
        for partition, length in enumerate(lengths):
            rest = found.read({(topic, partition): [(100, length)]})
            assert len(rest[topic, partition]) == length - 100
