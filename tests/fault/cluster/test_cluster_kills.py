"""Kill loops on a standalone cluster under load, and a job that has lost its executors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Services
from tests.kit import jobs
from tests.kit.clusters import Cluster, on_two_hosts
from tests.kit.faults import cluster_slices
from tests.kit.jobs import APPROACHES, audit, run_job, slowly


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with on_two_hosts(services) as found:
        yield found


def all_executors(cluster: Cluster, _host: int) -> None:
    for number in (1, 2):
        cluster.kill_executor(number)


KILLS: dict[str, cluster_slices.Kill] = {
    "executor": Cluster.kill_executor,
    "all executors": all_executors,
    "spark worker": Cluster.kill_daemon,
    "host": Cluster.kill_host,
    "master": lambda cluster, _host: cluster.kill_manager(),
}


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", KILLS)
@pytest.mark.parametrize("approach", APPROACHES)
def test_kills(
    cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str, kind: str
) -> None:
    cluster_slices.run(cluster, kind, KILLS[kind], approach, topic, output, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_two_minutes_without_an_executor_end_the_job(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Both Workers die under the running job, and stay dead."""
    jobs.publish(services, topic, 3000)
    with cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 1, job, 150)
        services.run("stop", "spark-worker-1", "spark-worker-2")
        assert job.ended(240) == 1, job.said()
        assert "no executor for 120 s" in job.said()
    services.run("start")
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 3000
