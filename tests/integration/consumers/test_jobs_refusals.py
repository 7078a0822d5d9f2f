"""What the jobs refuse: each with its exit code, what is wrong where, and what to do next.

Both jobs say nearly all of it by code that they share, so each refusal is tried with one of them.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from tests.conftest import HOST, Services, wait_until
from tests.kit.jobs import Job, audit, checkpoint_of, new_topic, path_of, publish, run_job, started

PATIENCE_S = 120


@dataclass
class Made:
    """An output that the receiver job has made of a topic with 100 tweets, and its checkpoint."""

    topic: str
    output: str


@pytest.fixture(scope="module")
def made(
    services: Services, admin: KafkaAdminClient, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """An output to refuse things on."""
    topic = new_topic(admin, 1)
    output = f"{services.hdfs}/tests/{topic}"
    publish(services, topic, 100)
    run_job(services, tmp_path_factory.mktemp("made"), "receiver_based", topic, output)
    return Made(topic, output)


@pytest.fixture(scope="module", autouse=True)
def unanswered(
    services: Services, made: Made, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[float, list[Job]]]:
    """When they began, and two jobs whose broker or NameNode never answers: they wait while the
    other tests here run."""
    folder = tmp_path_factory.mktemp("unanswered")
    with ExitStack() as stack, socket.socket() as unused:
        unused.bind((HOST, 0))  # bound but not listening: no other program answers there
        closed = f"{HOST}:{unused.getsockname()[1]}"
        jobs = (
            started(
                services,
                folder,
                "direct",
                made.topic,
                f"{made.output}/unused",
                "--bootstrap",
                closed,
            ),
            started(services, folder, "direct", made.topic, f"hdfs://{closed}/tests/unused"),
        )
        yield time.monotonic(), [stack.enter_context(job) for job in jobs]


def refused(said: str, *words: str) -> None:
    """Assert that a message has these words, says what to do, and comes without a traceback."""
    assert all(word in said for word in words), said
    assert "error: " in said and "\n  next: " in said and "Traceback" not in said, said


def test_a_topic_that_does_not_exist(services: Services, output: str, tmp_path: Path) -> None:
    said = run_job(services, tmp_path, "receiver_based", "no-such-topic", output, expect=2)
    refused(said, "topic no-such-topic does not exist", services.bootstrap, "--topic")


@pytest.mark.parametrize(
    "address",
    [
        "hdfs://no-such-host.invalid:8020/tests/x",
        "hdsf://127.0.0.1:8020/tests/x",
        "hdfs://127.0.0.1:99999/tests/x",
        "{hdfs}/tests/a:b",
        "{hdfs}",
        "file:{folder}/x",
        "{folder}/x",
    ],
)
def test_an_output_address_that_cannot_be(
    services: Services, made: Made, address: str, tmp_path: Path
) -> None:
    address = address.format(hdfs=services.hdfs, folder=tmp_path / "files")
    said = run_job(services, tmp_path, "direct", made.topic, address, expect=2)
    refused(said, address, "hdfs://HOST:PORT/PATH")
    assert not (tmp_path / "files").exists(), "nothing was made"


def test_no_permission_on_the_output(
    services: Services, made: Made, output: str, tmp_path: Path
) -> None:
    services.files.makedirs(path_of(output), permission="700")
    stranger = {"HADOOP_USER_NAME": "stranger"}
    with started(
        services, tmp_path, "direct", made.topic, f"{output}/mine", environ=stranger
    ) as job:
        assert job.ended(PATIENCE_S) == 2, job.said()
        refused(job.said(), "no permission on HDFS", output, "user=stranger")


def test_an_output_that_belongs_to_another_topic(
    services: Services, topic: str, made: Made, tmp_path: Path
) -> None:
    said = run_job(services, tmp_path, "direct", topic, made.output, expect=2)
    refused(said, f"the output belongs to {made.topic}", topic, made.output, "another --output")


def test_an_unknown_flag(services: Services, made: Made, output: str, tmp_path: Path) -> None:
    said = run_job(services, tmp_path, "direct", made.topic, output, "--max-rates", "5", expect=2)
    refused(said, "--max-rates", "did you mean --max-rate?")


def test_an_unknown_variable(services: Services, made: Made, output: str, tmp_path: Path) -> None:
    with started(
        services, tmp_path, "direct", made.topic, output, environ={"TWEETS_MAXRATE": "5"}
    ) as job:
        assert job.ended(PATIENCE_S) == 2, job.said()
        refused(job.said(), "TWEETS_MAXRATE", "did you mean TWEETS_MAX_RATE?", "the environment")


def test_receivers_that_leave_no_core(
    services: Services, made: Made, output: str, tmp_path: Path
) -> None:
    said = run_job(
        services, tmp_path, "receiver_based", made.topic, output, "--receivers", "3", expect=2
    )
    refused(said, "3 receivers", "3 cores", "--receivers", "--master")


def test_a_checkpoint_made_with_other_settings(
    services: Services, made: Made, tmp_path: Path
) -> None:
    changed = ("--batch-interval-s", "3", "--max-rate", "50")
    said = run_job(
        services, tmp_path, "receiver_based", made.topic, made.output, *changed, expect=2
    )
    refused(
        said, "batch_interval_s: 2.0 there, 3.0 now", "max_rate: 0 there, 50 now", "--checkpoint"
    )
    assert "topic:" not in said, "only the differences are listed"


def test_a_checkpoint_of_another_output(services: Services, made: Made, tmp_path: Path) -> None:
    path = checkpoint_of(services, made.output)
    assert services.files.status(path)["permission"] == "700", (
        "nobody else may write what the next driver runs"
    )
    other, checkpoint = f"{made.output}-other", f"{services.hdfs}{path}"
    said = run_job(
        services,
        tmp_path,
        "receiver_based",
        made.topic,
        other,
        "--checkpoint",
        checkpoint,
        expect=2,
    )
    refused(said, "the checkpoint was made with other settings", "output: ", "another --checkpoint")
    said = run_job(
        services,
        tmp_path,
        "receiver_based",
        made.topic,
        made.output,
        "--checkpoint",
        f"{made.output}/batches",
        expect=2,
    )
    refused(said, "the checkpoint would be among what is published", f"{made.output}/batches")


def test_records_that_kafka_no_longer_has(
    services: Services, admin: KafkaAdminClient, made: Made, tmp_path: Path
) -> None:
    publish(services, made.topic, 50, "--seed", "2")
    admin.delete_records({TopicPartition(made.topic, 0): 120})
    said = run_job(services, tmp_path, "direct", made.topic, made.output, expect=3)
    refused(said, "20 records", f"{made.topic}[0] [100, 120)", "--output")

    admin.delete_topics([made.topic])
    wait_until(lambda: made.topic not in admin.list_topics(), 30, "the topic is gone")
    admin.create_topics(
        {made.topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )
    publish(services, made.topic, 200, "--seed", "3")
    said = run_job(services, tmp_path, "receiver_based", made.topic, made.output, expect=3)
    refused(said, f"topic {made.topic} was deleted and created again", made.output, "--output")
    assert audit(services, made.topic, made.output, expect=1)["published"] == 100, (
        "nothing was added"
    )

    services.files.delete(f"{path_of(made.output)}/batches/0000000/0000000000", recursive=True)
    services.files.makedirs(f"{path_of(made.output)}/batches/0000000/0000000007")
    said = run_job(services, tmp_path, "direct", made.topic, made.output, expect=3)
    refused(
        said,
        "batch 0 is missing: 8 batches",
        f"{made.output}/batches/0000000/0000000000",
        "snapshot",
    )


def test_services_out_of_reach(unanswered: tuple[float, list[Job]]) -> None:
    began, jobs = unanswered
    for job, words in zip(
        jobs, (("no answer from", "--bootstrap"), ("the file system does not answer",)), strict=True
    ):
        assert job.ended(began + PATIENCE_S - time.monotonic()) == 1, job.said()
        refused(job.said(), *words, HOST)
