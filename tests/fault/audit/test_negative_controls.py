"""A judge that never convicts is no judge: bugs put into the jobs one at a time, and each must be
found.

One body: publish, attack, publish more, drain, audit. Under the same attack the job without a bug
must come out clean.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from consumers.output import fail_points
from tests.conftest import Services, wait_until
from tests.kit import jobs
from tests.kit.faults.trials import Trial, tear_log
from tests.kit.faults.watching import load

PUBLISHED = " batch "  # what a job says of each batch that it takes for published
MALFORMED = ("--malformed", "0.05")
Attack = Callable[[Trial], None]


def left_alone(_: Trial) -> None:
    """No attack: the bug shows by itself."""


def started_again(trial: Trial) -> None:
    trial.drain()


def killed_at(point: str) -> Attack:
    def attack(trial: Trial) -> None:
        with trial.job("--fail-point", point) as job:
            assert job.ended(240) == -signal.SIGKILL, job.said()

    return attack


def held_at_second(point: str, sign: str, deed: Attack) -> Attack:
    """While the driver is held at `point` of its second batch, which the file `sign` in the stage
    shows, the test does `deed`."""

    def attack(trial: Trial) -> None:
        release = trial.folder / "release"
        trial.settings = jobs.slowly(trial.approach, 100)
        with trial.job("--fail-point", f"{point}:2:{release}") as job:

            def held() -> bool:
                own = [f"_staging/{folder}" for folder in trial.entries("_staging")]
                stages = [
                    f"{folder}/{name}"
                    for folder in own
                    for name in trial.entries(folder)
                    if "0000000001-" in name
                ]
                return any(
                    sign in trial.entries(stage) for stage in stages if not stage.endswith(".parts")
                )

            job.until(held, 240, f"the driver is held at {point}")
            deed(trial)
            before = job.said().count(PUBLISHED)
            release.touch()
            job.until(
                lambda: job.process.poll() is not None or job.said().count(PUBLISHED) > before + 2,
                240,
                "the job ends or continues",
            )

    return attack


def staging_is_removed(trial: Trial) -> None:
    """Only the stages: without its own folder the driver could stage nothing any longer."""
    for own in trial.entries("_staging"):
        for name in trial.entries(f"_staging/{own}"):
            trial.services.files.delete(trial.path(f"_staging/{own}/{name}"), recursive=True)


def its_folder_is_made(trial: Trial) -> None:
    trial.services.files.makedirs(trial.path("batches/0000000/0000000001"))


def a_successor_runs(trial: Trial) -> None:
    trial.drain()


def partitions_move(trial: Trial) -> None:
    """Two receivers, and strangers in their group for a while: a partition goes from one to the
    other and back within a batch."""
    group = f"group-{trial.topic}"
    trial.settings = ("--receivers", "2", "--batch-interval-s", "12", "--group", group)
    with trial.job() as job:
        jobs.await_batches(trial.services, trial.output, 1, job)
        # EPOCH-NONCE of the first driver, and so is its receivers' group
        (staging,) = trial.entries("_staging")
        identity = jobs.manifests(trial.services, trial.output)[0]["identity"]
        own = f"{group}-{identity}-{int(staging[:10])}{staging[10:]}"
        # a job with a partition has records of it at once
        with load(trial.services, trial.topic, trial.folder, seed=3):
            for _ in range(3):
                a_stranger_reads(trial, own)
        job.process.send_signal(signal.SIGTERM)
        job.ended(240)


def a_stranger_reads(trial: Trial, group: str) -> None:
    stranger = KafkaConsumer(
        trial.topic,
        bootstrap_servers=trial.services.bootstrap,
        group_id=group,
        enable_auto_commit=False,
    )
    wait_until(
        lambda: stranger.poll(timeout_ms=200) or stranger.assignment(),
        60,
        "the stranger gets a partition",
    )
    enough = time.monotonic() + 3.0
    while time.monotonic() < enough:  # the receivers store blocks of what is theirs now
        stranger.poll(timeout_ms=200)
    stranger.close()
    # a heartbeat tells the receivers, after 3 s at most: they have its partition back, and read
    time.sleep(5)


def killed_and_its_log_torn(trial: Trial) -> None:
    """Killed with blocks stored and acknowledged that are not published, and the end of the
    driver's log is gone."""
    KILLED_STORED(trial)
    tear_log(
        trial.services, f"{jobs.checkpoint_of(trial.services, trial.output)}/receivedBlockMetadata"
    )


@dataclass(frozen=True)
class Control:
    """A bug, the job and the attack that bring it to light, and what the audit must find (one of
    these, at least)."""

    bug: str
    approach: str
    attack: Attack
    finding: str

    @property
    def name(self) -> str:
        return f"{self.bug}-{self.approach}"


HALF_PUBLISHED, KILLED, KILLED_AFTER, KILLED_STORED = map(
    killed_at, ("after rename", "tasks done:2", "published:2", "tasks done")
)
UNSTAGED = held_at_second("before rename", "_manifest.json", staging_is_removed)
TASKS_UNSTAGED = held_at_second("stage made", "rejected", staging_is_removed)
FOREIGN_FOLDER = held_at_second("before rename", "_manifest.json", its_folder_is_made)
OVERTAKEN = held_at_second("before rename", "_manifest.json", a_successor_runs)

CHEAP = [
    Control("rejected_dropped", "direct", left_alone, "lost"),
    Control("short_read_swallowed", "receiver_based", left_alone, "lost"),
    Control("half_published_is_done", "direct", HALF_PUBLISHED, "lost"),
]
LONG = [
    Control("manifest_outside_the_rename", "direct", HALF_PUBLISHED, "chain_errors"),
    # the next start does not go on without a batch 0
    Control("named_by_time", "direct", started_again, "chain_errors"),
    Control("legacy_rename", "direct", FOREIGN_FOLDER, "chain_errors"),
    Control("rename_result_ignored", "direct", UNSTAGED, "chain_errors"),
    Control("goes_on_behind_a_failed_batch", "direct", TASKS_UNSTAGED, "lost"),
    Control("resumes_at_the_end", "direct", KILLED, "lost"),
    Control("offsets_before_data", "direct", KILLED, "lost"),
    Control("high_water_mark", "receiver_based", partitions_move, "lost"),
    Control("no_subtraction", "receiver_based", KILLED_AFTER, "duplicated"),
    Control("acknowledged_without_a_log", "receiver_based", KILLED, "lost"),
    Control("goes_on_where_acknowledged", "receiver_based", killed_and_its_log_torn, "lost"),
    Control("no_fence_no_collision", "direct", OVERTAKEN, "duplicated"),
    Control("tweet_rewritten", "direct", left_alone, "corrupted"),
    Control(
        "attempts_share_the_published_folder,task_fails_once", "direct", left_alone, "duplicated"
    ),
]
CLEAN = [
    *{
        (control.approach, control.attack): Control("none", control.approach, control.attack, "")
        for control in LONG
    }.values(),
    Control("task_fails_once", "direct", left_alone, ""),
    Control("no_fence", "direct", OVERTAKEN, ""),  # the batch's number is a wall of its own
]


def tried(
    services: Services, folder: Path, topic: str, output: str, control: Control
) -> dict[str, Any]:
    """The audit's verdict on a job with this bug, after this attack."""
    trial = Trial(
        services,
        folder,
        control.bug,
        control.approach,
        topic,
        output,
        jobs.slowly(control.approach, 300),
    )
    services.files.write(trial.path(fail_points.MARK), data=b"", overwrite=True)
    jobs.publish(services, topic, 900, *MALFORMED)
    control.attack(trial)
    if not trial.entries("batches/0000000/0000000001"):  # a user's mistake, undone
        services.files.delete(trial.path("batches/0000000/0000000001"))
    jobs.publish(services, topic, 100, "--seed", "2")
    trial.drain()
    return jobs.audit(services, topic, output, expect=1 if control.finding else 0)


def convicted(verdict: dict[str, Any], control: Control) -> None:
    """Assert that the audit found what this bug does."""
    found = {kind: verdict[kind] for kind in jobs.FINDINGS if verdict[kind]}
    assert control.finding in found, f"{control.name}: {found}"
    print(f"{control.name} convicted: {found}")


@pytest.mark.parametrize(
    "control",
    [*CHEAP, *(pytest.param(control, marks=pytest.mark.long) for control in LONG)],
    ids=lambda control: control.name,
)
def test_a_seeded_bug_is_convicted(
    services: Services, topic: str, output: str, tmp_path: Path, control: Control
) -> None:
    convicted(tried(services, tmp_path, topic, output, control), control)


@pytest.mark.long
@pytest.mark.parametrize("control", CLEAN, ids=lambda control: control.name)
def test_without_the_bug_the_same_is_clean(
    services: Services, topic: str, output: str, tmp_path: Path, control: Control
) -> None:
    verdict = tried(services, tmp_path, topic, output, control)
    assert verdict["published"] == verdict["in_kafka"] >= 1000


def test_an_empty_run_is_not_clean(services: Services, topic: str, output: str) -> None:
    """Nothing published of a topic with nothing on it, and of one with records: neither is a clean
    run."""
    jobs.audit(services, topic, output, expect=3)
    jobs.publish(services, topic, 10)
    assert jobs.audit(services, topic, output, expect=3)["lost"] == 10
