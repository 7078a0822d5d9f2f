"""Three DataNodes, each block on all: a job continues with one or two of them killed or frozen, and
after all of them were."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from local.hdfs_nodes import bean
from tests.conftest import HOST, PORTS, SERVICES_HOME, Services, wait_until
from tests.kit.faults.attacks import Attack, attacked, kill_service
from tests.kit.faults.watching import load
from tests.kit.jobs import APPROACHES, Job, new_topic, run_job
from tests.kit.producing import frozen

NODES = ("datanode-1", "datanode-2", "datanode-3")


@dataclass(frozen=True)
class ThreeDataNodes(Services):
    """A set of the tests' own with three DataNodes; a client keeps three copies unless it is told
    otherwise."""

    kafka_port: int = PORTS + 1292
    controller_port: int = PORTS + 2292
    namenode_port: int = PORTS + 220
    namenode_http_port: int = PORTS + 2070
    datanode_port: int = PORTS + 2066


@pytest.fixture(scope="module")
def three() -> Iterator[ThreeDataNodes]:
    """One broker and HDFS, gone at the end with their data."""
    own = ThreeDataNodes(SERVICES_HOME.with_name(f"{SERVICES_HOME.name}-datanodes"))
    with own.running("--datanodes", "3"):
        yield own


def all_blocks_on_three(services: Services) -> bool:
    """Whether the NameNode sees three DataNodes and has no copy left to be made."""
    state = bean(f"{HOST}:{services.namenode_http_port}", "FSNamesystemState")
    return (
        state["NumLiveDataNodes"] == 3
        and state["UnderReplicatedBlocks"] + state["PendingReplicationBlocks"] == 0
    )


def each_killed_in_turn(attack: Attack, job: Job) -> None:
    for name in NODES:
        kill_service(attack.services, name)
        attack.grows(job, by=2)
        attack.services.run("start", name)


def one_frozen(attack: Attack, job: Job) -> None:
    with frozen(attack.services, "datanode-2"):
        attack.grows(job, by=2)


def two_killed_at_once(attack: Attack, job: Job) -> None:
    wait_until(
        lambda: all_blocks_on_three(attack.services),
        60,
        "what was written beside the frozen one has three copies",
    )
    for name in NODES[1:]:
        kill_service(attack.services, name)
    attack.grows(job, by=2)
    attack.services.run("start")


def all_killed_at_once(attack: Attack, _job: Job) -> None:
    for name in NODES:
        kill_service(attack.services, name)
    attack.services.run("start")


FAULTS: list[Callable[[Attack, Job], None]] = [
    each_killed_in_turn,
    one_frozen,
    two_killed_at_once,
    all_killed_at_once,
]


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_datanodes_killed_and_frozen(three: ThreeDataNodes, tmp_path: Path, approach: str) -> None:
    """One supervised job under load through every fault: it publishes during those that leave a
    DataNode, and after each."""
    client = KafkaAdminClient(bootstrap_servers=three.bootstrap)
    topic = new_topic(client, 3)
    client.close()
    with attacked(three, tmp_path, approach, topic, f"{three.hdfs}/tests/{topic}") as attack:
        with load(three, topic, tmp_path, seed=3), attack.supervised() as job:
            attack.grows(job)
            for fault in FAULTS:
                fault(attack, job)
                attack.grows(job, by=2)
        attack.records = attack.on_topic()
        run_job(three, tmp_path, "direct", topic, attack.address)  # to the end of the topic
