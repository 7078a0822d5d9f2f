"""Kill loops on YARN under load, with the driver in client mode; tests/fault/cluster/test_yarn.py
kills drivers in cluster mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit import yarn
from tests.kit.clusters import Cluster
from tests.kit.faults import cluster_slices
from tests.kit.faults.chaos import LIMIT_S
from tests.kit.jobs import APPROACHES


def nodemanager(cluster: Cluster, host: int) -> None:
    """The daemon stays away until YARN has started other executors. One that starts again earlier,
    and does not remember its containers, deletes the folders in which they are at work."""
    cluster.kill_daemon(host)
    wait_until(lambda: len(cluster.executors()) == 2, LIMIT_S, "other executors are there")


KILLS: dict[str, cluster_slices.Kill] = {
    "executor on yarn": Cluster.kill_executor,
    "nodemanager": nodemanager,
    "host on yarn": Cluster.kill_host,
    "resourcemanager": lambda cluster, _host: cluster.kill_manager(),
}


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with yarn.on_two_hosts(services) as found:
        yield found


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", KILLS)
@pytest.mark.parametrize("approach", APPROACHES)
def test_kills(
    cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str, kind: str
) -> None:
    cluster_slices.run(cluster, kind, KILLS[kind], approach, topic, output, tmp_path)
