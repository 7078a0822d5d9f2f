"""A cluster whose hosts can be cut off, and of which one has a small disk."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, WORKER
from tests.kit import lan
from tests.kit.clusters import Cluster, standalone
from tests.kit.lan import MASTER, Lan, LanServices

SMALL_DISK = "200m"  # of host 1: its Worker, its executors and their jars fit
# the profile's own timeouts are what is tried here
PATIENT = {"spark.executor.memory": "512m"}


@pytest.fixture(scope="session")
def network() -> Iterator[Lan]:
    with lan.lan() as made:
        yield made


@pytest.fixture(scope="session")
def services(network: Lan) -> Iterator[LanServices]:
    assert network.pids, "the services start on these hosts"
    own = LanServices(ROOT / ".run" / f"test-lan-{WORKER}")
    own.run("clean")
    disk = own.home / "spark-worker-1"
    disk.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", disk]
    subprocess.run(mount, check=True)
    try:
        own.run("start", "--spark-workers", "2")
        yield own
    finally:
        own.run("stop", expect=None)
        subprocess.run(["umount", "-l", disk], check=True)
        own.run("clean")


@pytest.fixture
def cluster(services: LanServices) -> Cluster:
    return standalone(services, MASTER, PATIENT)
