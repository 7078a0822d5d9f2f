"""Topics that are not what they were, at a start and under a running job: exit code 3 says where,
and nothing is skipped."""

import os
import shutil
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from tests.conftest import Services, wait_until
from tests.integration.producer.test_producer_outages import start_again
from tests.kit import jobs
from tests.kit.jobs import (
    APPROACHES,
    audit,
    batches,
    manifests,
    new_topic,
    publish,
    run_job,
    started,
)


def create_again(admin: KafkaAdminClient, topic: str) -> None:
    """Delete the topic and make another one of its name."""
    admin.delete_topics([topic])
    wait_until(lambda: topic not in admin.list_topics(), 30, "the topic is gone")
    admin.create_topics(
        {topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_retention_overtakes_a_job_and_the_loss_is_accepted(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """Exit code 3 names the offsets; an operator's word continues behind them, and stays in the
    chain."""
    topic = new_topic(admin, 1)
    publish(services, topic, 100)
    run_job(services, tmp_path, approach, topic, output)
    publish(services, topic, 50, "--seed", "2")
    admin.delete_records({TopicPartition(topic, 0): 120})
    before = batches(services, output)
    said = run_job(services, tmp_path, approach, topic, output, expect=3)
    assert f"{topic}[0] [100, 120)" in said and "--accept-loss" in said, said
    assert batches(services, output) == before, "nothing is skipped"
    run_job(services, tmp_path, approach, topic, output, "--accept-loss", "ops: the disk was full")
    words = [manifest["accepted_loss"] for manifest in manifests(services, output)]
    assert words.count("ops: the disk was full") == 1 and words[-1] is None
    assert audit(services, topic, output)["published"] == 130


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_topic_created_again_and_grown_past_the_frontier(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """Its offsets look right, and mean other records: the topic's id tells."""
    topic = new_topic(admin, 1)
    publish(services, topic, 50)
    run_job(services, tmp_path, approach, topic, output)
    create_again(admin, topic)
    publish(services, topic, 80, "--seed", "2")
    said = run_job(services, tmp_path, approach, topic, output, expect=3)
    assert f"topic {topic} was deleted and created again" in said and "--output" in said, said
    assert jobs.published_records(services, output) == 50, "nothing was added"


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_truncated_topic(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """The broker comes back with a shorter log, as after an unclean election: exit code 3 with the
    offsets."""
    topic = new_topic(admin, 1)
    publish(services, topic, 100)
    publish(services, topic, 100, "--seed", "2")  # a record batch of their own
    run_job(services, tmp_path, approach, topic, output)
    services.run("stop", "kafka-1")
    folder = services.home / "kafka-1" / "data"
    segment = folder / f"{topic}-0" / f"{0:020d}.log"
    os.truncate(segment, segment.stat().st_size - 100)
    (folder / ".kafka_cleanshutdown").unlink()  # only then the broker looks at what it has
    start_again(services, admin)
    said = run_job(services, tmp_path, approach, topic, output, expect=3)
    assert (
        "before what is published: the topic was truncated, or deleted and created again" in said
        and ", 200)" in said
    ), said
    assert jobs.published_records(services, output) == 200


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_log_truncated_and_grown_past_the_frontier(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """The broker comes back with an older copy of the partition and gets new records: the offsets
    look right and mean other records, under the same topic id. The leader epochs tell."""
    topic = new_topic(admin, 1)
    partition, copy = services.home / "kafka-1" / "data" / f"{topic}-0", tmp_path / "copy"
    publish(services, topic, 100)
    services.run("stop", "kafka-1")
    shutil.copytree(partition, copy)
    start_again(services, admin)
    publish(services, topic, 100, "--seed", "2")
    run_job(services, tmp_path, approach, topic, output)
    assert list(manifests(services, output)[-1]["leader_epochs"][topic]) == ["0"]
    services.run("stop", "kafka-1")
    shutil.rmtree(partition)
    shutil.copytree(copy, partition)
    # only then the broker looks at what it has
    (services.home / "kafka-1" / "data" / ".kafka_cleanshutdown").unlink()
    start_again(services, admin)
    publish(services, topic, 300, "--seed", "3")
    said = run_job(services, tmp_path, approach, topic, output, expect=3)
    assert (
        f"{topic}-0 was read up to offset 200, and has the same records up to 100 only" in said
    ), said
    assert (
        "the log was truncated" in said and "DataLossException" not in said.rpartition("error:")[2]
    ), said
    assert jobs.published_records(services, output) == 200, "nothing of the other log is published"


@pytest.mark.long
@pytest.mark.parametrize("grown", [20, 80], ids=["below the frontier", "past the frontier"])
@pytest.mark.parametrize("approach", APPROACHES)
def test_topic_created_again_under_a_running_job(
    services: Services,
    admin: KafkaAdminClient,
    output: str,
    tmp_path: Path,
    approach: str,
    grown: int,
) -> None:
    """Its records are neither published under the old topic's offsets nor taken for what came
    again."""
    topic = new_topic(admin, 1)
    publish(services, topic, 50)
    with started(services, tmp_path, approach, topic, output, "--batch-interval-s", "1") as job:
        job.until(lambda: jobs.published_records(services, output) == 50, 120, "all is published")
        create_again(admin, topic)
        publish(services, topic, grown, "--seed", "2")
        assert job.ended(180) == 3, job.said()
    assert topic in job.said().rpartition("error:")[2], job.said()
    assert jobs.published_records(services, output) == 50, "nothing was added"


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_topic_deleted_under_a_running_job(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """It stays deleted, though the broker would make one for a consumer that asks. The direct job
    ends; the receiver job, which has nothing to commit, waits for it with a warning."""
    topic = new_topic(admin, 1)
    publish(services, topic, 50)
    with started(services, tmp_path, approach, topic, output, "--batch-interval-s", "1") as job:
        job.until(lambda: jobs.published_records(services, output) == 50, 120, "all is published")
        admin.delete_topics([topic])
        if approach == "direct":
            assert job.ended(180) == 3, job.said()
            assert f"topic {topic} does not exist" in job.said().rpartition("error:")[2], job.said()
        else:
            job.until(
                lambda: job.said().count(f"{topic}=UNKNOWN_TOPIC") > 12,
                60,
                "the receiver has asked for it long enough",
            )
    assert topic not in admin.list_topics()


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_retention_overtakes_a_running_job(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path, approach: str
) -> None:
    """More than a consumer fetches ahead is deleted."""
    topic = new_topic(admin, 1)
    publish(services, topic, 12_000)
    with started(
        services, tmp_path, approach, topic, output, "--batch-interval-s", "1", "--max-rate", "500"
    ) as job:
        jobs.await_batches(services, output, 2, job)
        admin.delete_records({TopicPartition(topic, 0): 11_900})
        assert job.ended(180) == 3, job.said()
    ((begin, frontier),) = manifests(services, output)[-1]["covered"][topic]["0"]
    assert begin == 0 and frontier < 11_900, "nothing is skipped"
    said = job.said().rpartition("error:")[2]
    assert topic in said and any(str(offset) in said for offset in range(frontier, 11_900)), (
        job.said()
    )
