"""Both jobs on real Kafka and HDFS: everything that is on a topic is published once, typed, and
readable by others."""

import json
import signal
import subprocess
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import HOST, ROOT, Services, wait_until
from tests.kit.jobs import (
    APPROACHES,
    FINDINGS,
    RECEIVER_AT_LEAST,
    X_TOKEN,
    audit,
    batches,
    manifests,
    new_topic,
    publish,
    published_records,
    rows,
    run_job,
    started,
    stored,
    unused_port,
)
from tests.kit.producing import produce, published

DATA = sorted((ROOT / "tests" / "data").glob("*.jsonl"))
REASONS = {"empty", "invalid_utf8", "not_json", "not_a_tweet", "too_deep"}


def kind_of(value: bytes | None) -> str:
    """What a job should make of a record, told without the pipeline's help; good for the records
    that these tests publish."""
    if value is None:
        return "deleted"
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return "rejected"
    if not isinstance(found, dict):
        return "rejected"
    return (
        "deleted"
        if "delete" in found
        else "tweets"
        if found.keys() & {"data", "id", "id_str", "commit"}
        else "rejected"
    )


def kinds_on(services: Services, topic: str) -> dict[str, int]:
    """How many records of each kind a job should publish of this topic."""
    counted = Counter(kind_of(value) for _, value in published(services, topic).values())
    assert counted.keys() == {"tweets", "deleted", "rejected"}
    return dict(counted)


@pytest.mark.parametrize("approach", APPROACHES)
def test_everything_is_published_once(
    services: Services,
    admin: KafkaAdminClient,
    topic: str,
    output: str,
    approach: str,
    tmp_path: Path,
) -> None:
    publish(services, topic, 1000, "--malformed", "0.05")
    for file in DATA:
        produce(services, "--source", "replay", "--file", str(file), "--topic", topic)
    expected = kinds_on(services, topic)

    run_job(services, tmp_path, approach, topic, output)
    verdict = audit(services, topic, output)
    assert {kind: verdict[kind] for kind in expected} == expected
    assert dict.fromkeys(FINDINGS, 0).items() <= verdict.items()
    assert {row["reason"] for row in rows(services, output, "rejected")} == REASONS

    before = batches(services, output)
    run_job(services, tmp_path, approach, topic, output)
    assert batches(services, output) == before, "nothing new, nothing published"

    publish(services, topic, 100, "--seed", "2")
    group = f"group-{topic}"
    run_job(services, tmp_path, approach, topic, output, "--group", group)
    group = f"{group}-{manifests(services, output)[-1]['identity']}"
    seen_by_lag_tools = {
        where.partition: at.offset
        for where, at in admin.list_group_offsets({group: None})[group].items()
    }
    covered = manifests(services, output)[-1]["covered"][topic]
    assert seen_by_lag_tools == {
        int(partition): intervals[0][1] for partition, intervals in covered.items()
    }
    assert audit(services, topic, output)["published"] == verdict["published"] + 100
    later = manifests(services, output)[len(before) :]
    assert sum(sum(manifest["counts"].values()) for manifest in later) == 100

    files = stored(services, output) | {
        str(log): log.read_bytes() for log in tmp_path.glob("*.log")
    }
    assert any("_checkpoint/" in path for path in files) == (approach == "receiver_based")
    assert not [path for path, data in files.items() if X_TOKEN.encode() in data]


def test_both_jobs_at_the_same_time(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 1000, "--malformed", "0.05")
    outputs = {approach: f"{output}/{approach}" for approach in APPROACHES}
    direct, receiver_based = (
        started(services, tmp_path, approach, topic, outputs[approach], "--available-now")
        for approach in APPROACHES
    )
    with direct as one, receiver_based as other:
        assert [job.ended(120) for job in (one, other)] == [0, 0], one.said() + other.said()
    for approach in APPROACHES:
        assert audit(services, topic, outputs[approach])["published"] == 1000
    assert columns(f"{output}/*/batches/*/*/tweets", tmp_path) == COLUMNS


COLUMNS = {
    "id": "string",
    "created_at": "string",
    "lat": "double",
    "lon": "double",
    "likes": "bigint",
    "reposts": "bigint",
    "is_repost": "boolean",
    "deleted": "boolean",
    "hashtags": "array<string>",
    "sentiment": "struct<compound:double,label:string,neg:double,neu:double,pos:double>",
    "kafka": "struct<offset:bigint,partition:bigint,timestamp:bigint,topic:string>",
}
READER = """
import json, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
types = dict(spark.read.json(sys.argv[1]).dtypes)
print(json.dumps({name: types.get(name) for name in sys.argv[2:]}))
"""


def columns(files: str, folder: Path) -> dict[str, str]:
    """The types that Spark itself finds in published tweets."""
    script = folder / "read_tweets.py"
    script.write_text(READER)
    command = [str(ROOT / "scripts" / "submit"), str(script), files, *COLUMNS]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    types: dict[str, str] = json.loads(done.stdout)
    return types


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_three_topics_with_partitions_added_and_what_the_ui_counts(
    services: Services, admin: KafkaAdminClient, output: str, approach: str, tmp_path: Path
) -> None:
    topics = [new_topic(admin, partitions) for partitions in (1, 2, 3)]
    for topic in topics:
        publish(services, topic, 200)
    ui = unused_port()
    arguments = (approach, ",".join(topics), output, "--batch-interval-s", "1")
    with started(services, tmp_path, *arguments, spark=("--conf", f"spark.ui.port={ui}")) as job:
        job.until(
            lambda: published_records(services, output) >= 600,
            120,
            "all three topics are published",
        )
        admin.create_partitions({topics[0]: 3})
        wait_until(
            lambda: len(admin.describe_topics(topics[:1])[0]["partitions"]) == 3,
            20,
            "the partitions are there",
        )
        publish(services, topics[0], 300, "--seed", "2")
        job.until(
            lambda: published_records(services, output) >= 900,
            120,
            "the added partitions are published too",
        )
        job.until(lambda: records_in_ui(ui) >= 900, 20, "the UI counts them")
        assert records_in_ui(ui) == 900
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(30) == 0, job.said()
    assert audit(services, ",".join(topics), output)["published"] == 900
    covered = manifests(services, output)[-1]["covered"]
    assert [len(covered[topic]) for topic in topics] == [3, 2, 3]
    assert all(
        intervals[0][0] == 0 for partitions in covered.values() for intervals in partitions.values()
    )


def records_in_ui(port: int) -> int:
    """The records of all batches that the streaming page of a running driver shows."""
    api = f"http://{HOST}:{port}/api/v1/applications"
    with urlopen(api, timeout=10) as answer:
        application = json.load(answer)[0]["id"]
    with urlopen(f"{api}/{application}/streaming/batches", timeout=10) as answer:
        return sum(batch["inputSize"] for batch in json.load(answer))
