"""An output at hdfs://NAME/…: the active NameNode dies, or hands over while it lives, in the middle
of a commit, and the other one goes on."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumers.output import fail_points
from tests.conftest import Services
from tests.kit import jobs
from tests.kit.clusters import end
from tests.kit.faults.chaos import RATE, pause
from tests.kit.faults.watching import Reader, load
from tests.kit.jobs import APPROACHES, audit, publish, run_job, slowly, started
from tests.kit.two_namenodes import NAMENODES, TwoNameNodes, running, state

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
RECORDS = 900
LIMIT_S = 180.0
TURNS = 10
POINTS = ("files taken", "manifest written", "before rename", "after rename")


@pytest.fixture
def hdfs(services: Services, tmp_path: Path) -> Iterator[TwoNameNodes]:
    with running(services, tmp_path / "hdfs") as found:
        yield found


def dies(hdfs: TwoNameNodes) -> None:
    """`a` is killed, `b` becomes active."""
    hdfs.kill("a")
    hdfs.admin("-transitionToActive", "--forceactive", "b")  # a cannot be asked


def hands_over(hdfs: TwoNameNodes) -> None:
    """`b` becomes active, and `a` answers that it is on stand-by."""
    hdfs.admin("-failover", "a", "b")
    assert [state(one) for one in NAMENODES] == ["standby", "active"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("ends", [dies, hands_over])
def test_a_failover_within_a_commit(
    hdfs: TwoNameNodes,
    topic: str,
    tmp_path: Path,
    ends: Callable[[TwoNameNodes], None],
    approach: str,
    point: str,
) -> None:
    """Output, checkpoint and log are at hdfs://NAME/…, and each record is published once."""
    publish(hdfs, topic, RECORDS)
    output = f"{hdfs.hdfs}/tests/{topic}"
    hdfs.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", data=b"")
    go_on = tmp_path / "go on"
    held = ("--fail-point", f"{point}:2:{go_on}")
    with started(hdfs, tmp_path, approach, topic, output, *slowly(approach, 90), *held) as job:
        job.until(lambda: f"held at {point}" in job.said(), LIMIT_S, "it is held")
        ends(hdfs)
        go_on.touch()
        job.until(
            lambda: jobs.published_records(hdfs, output) == RECORDS, LIMIT_S, "all is published"
        )
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(LIMIT_S) == 0, job.said()
    assert audit(hdfs, topic, output)["published"] == RECORDS


@pytest.mark.parametrize("approach", APPROACHES)
def test_handed_over_again_and_again(
    hdfs: TwoNameNodes, topic: str, tmp_path: Path, approach: str
) -> None:
    """Both NameNodes live and take turns at random moments, under load: the job goes on, and no
    reader sees a part of a batch."""
    output, chance = f"{hdfs.hdfs}/tests/{topic}", random.Random(approach)
    reader = Reader(hdfs, output)
    reader.start()
    with (
        load(hdfs, topic, tmp_path, 1),
        started(hdfs, tmp_path, approach, topic, output, *slowly(approach, RATE)) as job,
    ):
        job.until(lambda: reader.seen, LIMIT_S, "a first batch")
        for turn in range(TURNS):
            pause(chance.uniform(0, 2))
            hdfs.admin("-failover", NAMENODES[turn % 2], NAMENODES[1 - turn % 2])
            at = time.monotonic()
            job.until(lambda at=at: reader.after(at), LIMIT_S, f"a batch after turn {turn}")
        end(job)
    run_job(hdfs, tmp_path, "direct", topic, output)
    reader.stop()
    assert not reader.partial, reader.partial[:5]
    verdict = audit(hdfs, topic, output, "--ledger", str(tmp_path / "ledger.jsonl"))
    assert verdict["published"] == verdict["in_kafka"]
