"""Outputs that were published without a job, for a compactor, and running it."""

import base64
import json
import os
import subprocess
import uuid
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from consumers import sentiment
from consumers.output import commits
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.tweets.parse import Deleted, Rejected, Tweet, parse, row
from tests.conftest import PATIENCE, ROOT, Services, wait_until
from tests.kit.jobs import path_of
from tests.kit.published_output import WebhdfsFiles, pack

NOW = str(ROOT / "tests" / "on_spark" / "compact_now.py")


def compact(
    _services: Services, output: str, *arguments: str, program: str = NOW, expect: int = 0
) -> dict[str, Any]:
    """Run the compactor once, with no grace unless `arguments` say so; returns its report."""
    command = [str(ROOT / "scripts" / "submit"), program, "--output", output]
    if "--grace-hours" not in arguments:
        arguments = ("--grace-hours", "0", "--erase-hours", "0", *arguments)
    done = subprocess.run(
        [*command, *arguments],
        env=environ(),
        capture_output=True,
        text=True,
        timeout=240 * PATIENCE,
        check=False,
    )
    assert done.returncode == expect, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1])) if not expect else {}


def environ() -> dict[str, str]:
    """This process's, without what would name another output."""
    return {name: value for name, value in os.environ.items() if name != "TWEETS_OUTPUT"}


def mirror(
    services: Services, topic: str, output: str, most: int = 60, hour: str | None = None
) -> int:
    """Publish what the topic has and the output has not, as a job would, in batches of up to this
    many records, in this hour (2026-01-01T00) or now; returns the number of batches."""
    driver, held = _driver(services, topic, output)
    batches = 0
    real = commits.now
    commits.now = (lambda: f"{hour}:10:00.000Z") if hour else real
    try:
        for (_, partition), records in held.items():
            for at in range(0, len(records), most):
                _publish(driver, topic, partition, records[at : at + most])
                batches += 1
    finally:
        commits.now = real
    return batches


def _driver(
    services: Services, topic: str, output: str
) -> tuple[Output, dict[tuple[str, int], list[Any]]]:
    with closing(KafkaAdminClient(bootstrap_servers=services.bootstrap)) as admin:
        (found,) = admin.describe_topics([topic])
        # as Kafka's own tools and the jobs write it
        id = base64.urlsafe_b64encode(uuid.UUID(str(found["topic_id"])).bytes).decode().rstrip("=")
    consumer = KafkaConsumer(
        bootstrap_servers=services.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    with closing(consumer):
        numbers = sorted(consumer.partitions_for_topic(topic))
        places = [TopicPartition(topic, number) for number in numbers]
        ends = consumer.end_offsets(places)
        offsets = {(at.topic, at.partition): (0, ends[at]) for at in places}
        files = WebhdfsFiles(services.webhdfs, path_of(output))
        own = Ownership.claim(files, "direct")
        driver = Output.take_over(own, sentiment.NAME, {topic: id}, offsets)
        consumer.assign(places)
        for at in places:
            consumer.seek(at, driver.covered[at.topic, at.partition][-1][1])
        held: dict[tuple[str, int], list[Any]] = {partition: [] for partition in offsets}

        def all_read() -> bool:
            for at, records in consumer.poll(timeout_ms=500).items():
                held[at.topic, at.partition] += records
            return all(consumer.position(at) >= ends[at] for at in places)

        wait_until(all_read, 60, f"read {topic} to its ends")
    return driver, held


def _publish(driver: Output, topic: str, partition: int, records: list[Any]) -> None:
    lines: dict[str, list[bytes]] = {"tweets": [], "rejected": []}
    counts = {"tweets": 0, "deleted": 0, "rejected": 0}
    for record in records:
        found = parse(record.value, record.key, 1 << 20)
        score = sentiment.score([found.text])[0] if isinstance(found, Tweet) else None
        kind = {Tweet: "tweets", Deleted: "deleted", Rejected: "rejected"}[type(found)]
        counts[kind] += 1
        line = row(topic, partition, record.offset, record.timestamp, found, score)
        lines["rejected" if kind == "rejected" else "tweets"].append(line + b"\n")
    stage = driver.stage()
    files = pack(driver, stage, lines, partition)
    span = (topic, partition, records[0].offset, records[-1].offset + 1)
    driver.publish(stage, Batch([span], counts, files))
