"""HDFS under attack while a job writes to it: each offset is published once, no reader ever sees a
part of a batch."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit.faults.attacks import OWN_RETRIES, Attack, attacked, dfsadmin, kill_service
from tests.kit.faults.proxy import AFTER, BEFORE, HOLD_ANSWER, HOLD_CALL, UP
from tests.kit.jobs import APPROACHES, RECEIVER_AT_LEAST, Job
from tests.kit.producing import frozen

PATIENCE_S = 120


@pytest.mark.parametrize("cut", [AFTER, pytest.param(BEFORE, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "retries", [OWN_RETRIES, pytest.param((), marks=pytest.mark.long)], ids=["ours", "hadoop's"]
)
@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_every_second_rename_is_cut(
    services: Services,
    topic: str,
    output: str,
    approach: str,
    retries: tuple[str, ...],
    cut: str,
    tmp_path: Path,
) -> None:
    """Files, manifests and commits: the NameNode has renamed, and the job does not hear of it (or
    it has not renamed)."""
    with attacked(services, tmp_path, approach, topic, output, records=450) as attack:
        commits = attack.line.on("rename2", cut, about="/batches/", every=2)
        others = attack.line.on("rename2", cut, about=".parts/", every=2)
        with attack.started("--available-now", spark=retries) as job:
            assert job.ended(PATIENCE_S) == 0, job.said()
        assert commits.hits >= 1
        assert others.hits >= 3


@pytest.mark.long
@pytest.mark.parametrize("held", [HOLD_CALL, HOLD_ANSWER])
@pytest.mark.parametrize("approach", APPROACHES)
def test_the_namenode_is_killed_while_a_commit_is_under_way(
    services: Services, topic: str, output: str, approach: str, held: str, tmp_path: Path
) -> None:
    """Whether it was executed is unknown; the same driver finds out when the NameNode is back."""
    with (
        attacked(services, tmp_path, approach, topic, output) as attack,
        attack.started("--available-now") as job,
    ):
        attack.grows(job)
        commit = attack.line.on("rename2", held, about="/batches/", times=1)
        job.until(commit.held.is_set, PATIENCE_S, "a commit is held")
        before = attack.batches()
        kill_service(services, "namenode")
        attack.line.heal()
        attack.line.reset()
        services.run("start", "namenode")
        if held == HOLD_ANSWER:
            assert attack.batches() == before, "what was executed is there again"
        assert job.ended(PATIENCE_S) == 0, job.said()


def test_a_log_is_readable_whose_writer_died_with_its_datanode(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """It was open, and HDFS itself would leave it so until the writer's lease ends."""
    with attacked(services, tmp_path, "receiver_based", topic, output) as attack:
        with attack.started() as job:
            attack.grows(job)
            job.kill()
            kill_service(services, "datanode-1")
        services.run("start", "datanode-1")
        with attack.started("--available-now") as job:
            assert job.ended(PATIENCE_S) == 0, job.said()


def killed(*names: str) -> Callable[[Attack, Job], None]:
    """These services end by kill -9, all at once, and are started again."""

    def fault(attack: Attack, _job: Job) -> None:
        for name in names:
            kill_service(attack.services, name)
        attack.services.run("start", *names)

    return fault


def datanode_frozen(attack: Attack, _job: Job) -> None:
    """For longer than the NameNode waits for it."""
    with frozen(attack.services, "datanode-1"):
        lasts(40)
    attack.services.run("start", "datanode-1")  # returns when the NameNode knows it again


def safe_mode(attack: Attack, job: Job) -> None:
    """For longer than a driver waits: it ends with 1, and its supervisor starts it again."""
    dfsadmin(attack.services, "-safemode", "enter")
    try:
        job.until(lambda: "the job ended with 1" in job.said(), PATIENCE_S, "the driver gives up")
    finally:
        dfsadmin(attack.services, "-safemode", "leave")


def half_open(attack: Attack, _job: Job) -> None:
    """What the job sends to the NameNode does not arrive, and no error says so."""
    attack.line.silence(UP)
    lasts(40)
    attack.line.heal()


def slow_line(attack: Attack, job: Job) -> None:
    """500 ms there and back with jitter, 64 kbit/s."""
    attack.line.latency_s, attack.line.jitter_s, attack.line.bytes_per_s = 0.2, 0.1, 8000.0
    attack.grows(job, by=2)
    attack.line.heal()


FAULTS: dict[str, Callable[[Attack, Job], None]] = {
    "namenode killed": killed("namenode"),
    "datanode killed": killed("datanode-1"),
    "both killed": killed("namenode", "datanode-1"),
    "datanode frozen": datanode_frozen,
    "safe mode": safe_mode,
    "half-open": half_open,
    "slow line": slow_line,
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_supervised_job_outlives_it(
    services: Services, topic: str, output: str, approach: str, fault: str, tmp_path: Path
) -> None:
    with (
        attacked(services, tmp_path, approach, topic, output, records=1500) as attack,
        attack.supervised() as job,
    ):
        attack.grows(job)
        FAULTS[fault](attack, job)
        attack.all_published(job)


def lasts(seconds: float) -> None:
    """Return after this many seconds."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 5, "the clock runs")
