"""The disk of one host of a standalone cluster is full: the job runs on the other one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster, end, goes_on
from tests.kit.faults.chaos import LIMIT_S
from tests.kit.jobs import APPROACHES, audit, publish, run_job, slowly
from tests.kit.lan import LanServices

RECORDS = 6000


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not one byte more fits on this disk."""
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)) == 4096:
                pass
    except OSError as error:
        assert "No space left" in str(error)
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.parametrize("approach", APPROACHES)
def test_full_under_the_running_job(
    services: LanServices, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """No new executor can start on host 1; when there is room again, one does."""
    publish(services, topic, RECORDS)
    with cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 2, job, LIMIT_S)
        with full(services.home / "spark-worker-1"):
            with goes_on(services, output, job, 2):
                pass
            with goes_on(services, output, job, 3):
                cluster.kill_executor(1)
        wait_until(lambda: cluster.executors(1), LIMIT_S, "host 1 has an executor again")
        end(job)
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == RECORDS


@pytest.mark.parametrize("approach", APPROACHES)
def test_full_before_the_job(
    services: LanServices, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    publish(services, topic, 600)
    with (
        full(services.home / "spark-worker-1"),
        cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job,
    ):
        jobs.await_batches(services, output, 3, job, LIMIT_S)
        end(job)
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 600
