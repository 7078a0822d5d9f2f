"""An output at hdfs://NAME/…: the active NameNode dies in the middle of a commit, and the other one
goes on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.output import fail_points
from tests.conftest import Services
from tests.kit import jobs
from tests.kit.jobs import APPROACHES, audit, publish, slowly, started
from tests.kit.two_namenodes import TwoNameNodes, running

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
RECORDS = 900
LIMIT_S = 180.0
POINTS = ("files taken", "manifest written", "before rename", "after rename")


@pytest.fixture
def hdfs(services: Services, tmp_path: Path) -> Iterator[TwoNameNodes]:
    with running(services, tmp_path / "hdfs") as found:
        yield found


def dies(hdfs: TwoNameNodes) -> None:
    """`a` is killed, `b` becomes active."""
    hdfs.kill("a")
    hdfs.admin("-transitionToActive", "--forceactive", "b")  # a cannot be asked


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_failover_within_a_commit(
    hdfs: TwoNameNodes, topic: str, tmp_path: Path, approach: str, point: str
) -> None:
    """Output, checkpoint and log are at hdfs://NAME/…, and each record is published once."""
    publish(hdfs, topic, RECORDS)
    output = f"{hdfs.hdfs}/tests/{topic}"
    hdfs.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", data=b"")
    go_on = tmp_path / "go on"
    held = ("--fail-point", f"{point}:2:{go_on}")
    with started(hdfs, tmp_path, approach, topic, output, *slowly(approach, 90), *held) as job:
        job.until(lambda: f"held at {point}" in job.said(), LIMIT_S, "it is held")
        dies(hdfs)
        go_on.touch()
        job.until(
            lambda: jobs.published_records(hdfs, output) == RECORDS, LIMIT_S, "all is published"
        )
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(LIMIT_S) == 0, job.said()
    assert audit(hdfs, topic, output)["published"] == RECORDS
