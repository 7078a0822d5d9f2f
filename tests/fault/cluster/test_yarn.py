"""The jobs on YARN, in client and in cluster mode: an application master that is killed is followed
by a new epoch, and exit codes are in the diagnostics."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import yarn_nodes
from tests.conftest import Services, wait_until
from tests.kit import clusters, jobs
from tests.kit.jobs import APPROACHES, audit, publish, slowly, started

NODES = ("resourcemanager", "nodemanager-1", "nodemanager-2")
SMALL = ("--conf", "spark.executor.memory=512m", "--conf", "spark.executor.memoryOverhead=512m")
CLIENT = ("--master", "yarn", *SMALL)
CLUSTER = (*CLIENT, "--deploy-mode", "cluster")
MASTER = "deploy.yarn.ApplicationMaster"
LIMIT_S = 300


@pytest.fixture(scope="module")
def environ(services: Services) -> Iterator[dict[str, str]]:
    """What points at a YARN of two hosts beside the session's Kafka and HDFS."""
    services.run("start", "--yarn-nodes", "2")
    yield {"HADOOP_CONF_DIR": str(yarn_nodes.client_folder(services.home))}
    services.run("stop", *NODES)
    services.run("start", "kafka-1", "--yarn-nodes", "0")  # and forgotten


def masters(services: Services) -> list[int]:
    """The application masters, which are the drivers in cluster mode."""
    below = [pid for name in NODES[1:] for pid in jobs.descendants(services.pid(name))]
    return [pid for pid in below if MASTER in clusters.program(pid)]


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("approach", APPROACHES)
def test_an_application_master_killed_is_followed_by_a_new_epoch(
    services: Services,
    environ: dict[str, str],
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
) -> None:
    publish(services, topic, 600)
    slow = (*slowly(approach, 60), "--available-now")
    with started(
        services, tmp_path, approach, topic, output, *slow, spark=CLUSTER, environ=environ
    ) as job:
        jobs.await_batches(services, output, 2, job, LIMIT_S)
        first = wait_until(lambda: masters(services), 30, "the application master runs")
        clusters.kill_all(first)
        assert job.ended(LIMIT_S) == 0, job.said()
    epochs = services.files.list(f"{jobs.path_of(output)}/_epochs")
    assert len(epochs) == 2, epochs
    assert audit(services, topic, output)["published"] == 600


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_client_mode(
    services: Services, environ: dict[str, str], topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 300)
    with started(
        services,
        tmp_path,
        "direct",
        topic,
        output,
        "--available-now",
        spark=CLIENT,
        environ=environ,
    ) as job:
        assert job.ended(LIMIT_S) == 0, job.said()
    assert audit(services, topic, output)["published"] == 300


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_exit_code_is_in_the_diagnostics(
    services: Services, environ: dict[str, str], output: str, tmp_path: Path
) -> None:
    """YARN says 1 to whoever submitted, whatever the job said; one attempt is enough to see it."""
    once = (*CLUSTER, "--conf", "spark.yarn.maxAppAttempts=1")
    with started(
        services, tmp_path, "direct", f"none-{os.getpid()}", output, spark=once, environ=environ
    ) as job:
        assert job.ended(LIMIT_S) == 1, job.said()
        assert "User application exited with status 2" in job.said()
