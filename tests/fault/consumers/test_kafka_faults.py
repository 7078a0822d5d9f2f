"""Kafka under attack: three brokers of which some are killed, frozen or away under load.

Partitions added while a job runs are in tests/integration/consumers/test_jobs.py.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from producer.sources.sample import sample
from tests.conftest import HOST, PORTS, SERVICES_HOME, Services, wait_until
from tests.kit import jobs
from tests.kit.faults import chaos
from tests.kit.faults.attacks import kill_service
from tests.kit.faults.trials import supervised
from tests.kit.faults.watching import load
from tests.kit.jobs import APPROACHES, audit, batches, run_job, slowly, started
from tests.kit.producing import frozen

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
FROZEN_S = 12.0  # beyond the 9 s after which the controller takes a silent broker for dead
AWAY_S = 10.0
RECOVERY_S = 120.0


@dataclass(frozen=True)
class ThreeBrokers(Services):
    """A set of the tests' own with three brokers: topics are kept three times, two copies must
    acknowledge."""

    kafka_port: int = PORTS + 1192
    controller_port: int = PORTS + 2192
    namenode_port: int = PORTS + 120
    namenode_http_port: int = PORTS + 1970
    datanode_port: int = PORTS + 1966

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{self.kafka_port + number}" for number in range(len(BROKERS)))

    def ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:
        """What a new admin client answers; tried until the cluster can."""
        answers: list[Any] = []

        def asked() -> bool:
            with suppress(KafkaError, OSError):
                client = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
                try:
                    answers.append(question(client))
                finally:
                    client.close()
            return bool(answers)

        wait_until(asked, 60, "the cluster answers")
        return answers[0]


@pytest.fixture(scope="module")
def three() -> Iterator[ThreeBrokers]:
    """Three brokers and HDFS, gone at the end with their data."""
    own = ThreeBrokers(SERVICES_HOME.with_name(f"{SERVICES_HOME.name}-brokers"))
    with own.running("--brokers", "3"):
        yield own


def leader_killed(three: ThreeBrokers, topic: str) -> None:
    """The leader of the topic's first partition, killed and started again."""
    killed_and_started(three, f"kafka-{leader_of(three, topic)}")


def leader_of(three: ThreeBrokers, topic: str) -> int:
    found = three.ask(lambda client: client.describe_topics([topic]))[0]["partitions"]
    return int(found[0].get("leader_id", found[0].get("leader")))


def controller_killed(three: ThreeBrokers, _topic: str) -> None:
    quorum = three.ask(lambda client: client.describe_metadata_quorum())
    killed_and_started(three, f"kafka-{find(quorum, 'leader_id')}")


def find(found: Any, name: str) -> Any:
    """The first value of this name, however deep."""
    parts = (
        found.items()
        if isinstance(found, dict)
        else enumerate(found)
        if isinstance(found, list)
        else ()
    )
    for key, value in parts:
        deeper = value if key == name else find(value, name)
        if deeper is not None:
            return deeper
    return None


def killed_and_started(three: ThreeBrokers, name: str) -> None:
    kill_service(three, name)
    three.run("start", name)


def each_killed_in_turn(three: ThreeBrokers, _topic: str) -> None:
    for name in BROKERS:
        killed_and_started(three, name)


def all_killed_at_once(three: ThreeBrokers, _topic: str) -> None:
    chaos.at_once(*[partial(kill_service, three, name) for name in BROKERS])
    three.run("start")


def two_of_three_away(three: ThreeBrokers, _topic: str) -> None:
    """Below what must acknowledge: the producer waits, and delivers when they are back."""
    three.run("stop", *BROKERS[1:])
    chaos.pause(AWAY_S)
    three.run("start")


def one_frozen(three: ThreeBrokers, topic: str) -> None:
    with frozen(three, f"kafka-{leader_of(three, topic)}"):
        chaos.pause(FROZEN_S)


FAULTS = [
    *[leader_killed] * 5,
    controller_killed,
    each_killed_in_turn,
    two_of_three_away,
    one_frozen,
    all_killed_at_once,
]


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_brokers_killed_frozen_and_away(three: ThreeBrokers, tmp_path: Path, approach: str) -> None:
    """One supervised job under load through every fault; after each it publishes again by itself.
    At the end nothing is missing that was acknowledged, and nothing is there twice."""
    topic = f"three-{approach}"
    copies = {topic: {"num_partitions": 3, "replication_factor": 3}}
    three.ask(lambda client: client.create_topics(copies, wait_for_metadata=True))
    output = f"{three.hdfs}/tests/{topic}"
    history: list[dict[str, Any]] = []
    with load(three, topic, tmp_path, 1):
        place = (three, tmp_path, approach, topic, output)
        with supervised(*place, *slowly(approach, 600)) as job:
            jobs.await_batches(three, output, 2, job, 150)
            for fault in FAULTS:
                fault(three, topic)
                begun = time.monotonic()
                jobs.await_batches(three, output, len(batches(three, output)) + 2, job, RECOVERY_S)
                history.append(
                    {"fault": fault.__name__, "recovery_s": round(time.monotonic() - begun, 1)}
                )
                (tmp_path / "history.json").write_text(json.dumps(history, indent=1))
            job.process.send_signal(signal.SIGTERM)
            assert job.ended(120) == 0, job.said()
    run_job(three, tmp_path, approach, topic, output, *slowly(approach, 600))
    verdict = audit(three, topic, output, "--ledger", str(tmp_path / "ledger.jsonl"))
    assert verdict["in_kafka"] > 1000, "an idle pipeline loses nothing either"
    print(json.dumps(history), verdict)


@pytest.mark.long
def test_a_partition_without_a_leader_stops_no_other(three: ThreeBrokers, tmp_path: Path) -> None:
    """Each partition is on a broker of its own. While one is away the others are published; then it
    is too."""
    topic = "without-a-leader"
    spread = {
        "num_partitions": -1,
        "replication_factor": -1,
        "assignments": {0: [1], 1: [2], 2: [3]},
    }
    spread["configs"] = {"min.insync.replicas": "1"}
    three.ask(lambda client: client.create_topics({topic: spread}, wait_for_metadata=True))
    output = f"{three.hdfs}/tests/{topic}"
    tweets = sample(1)

    def send(*partitions: int) -> None:
        producer = KafkaProducer(bootstrap_servers=three.bootstrap)
        for partition in partitions:
            producer.send(topic, next(tweets).value, partition=partition).get(60)
        producer.close()

    send(0, 1, 2)
    with started(three, tmp_path, "direct", topic, output, "--batch-interval-s", "1") as job:
        job.until(
            lambda: jobs.published_records(three, output) == 3, 60, "all partitions are published"
        )
        three.run("stop", "kafka-2")
        send(0, 2)
        job.until(
            lambda: jobs.published_records(three, output) == 5, 15, "the others are published"
        )
        three.run("start", "kafka-2")
        send(1)
        job.until(
            lambda: jobs.published_records(three, output) == 6, 60, "what waited is published"
        )
        assert f"{topic}-1 does not say where it ends" in job.said()
    assert audit(three, topic, output)["published"] == 6
