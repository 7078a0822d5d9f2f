"""Executors as processes of their own, and what runs in them, killed or failing under a running
job. The driver continues."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from consumers.output import fail_points
from tests.conftest import Services, wait_until
from tests.kit import jobs
from tests.kit.faults import chaos
from tests.kit.faults.attacks import kill_service
from tests.kit.faults.trials import Trial, below
from tests.kit.jobs import APPROACHES, Job, audit, batches, publish, run_job, slowly, started
from tests.kit.producing import frozen

CLUSTER = ("--master", "local-cluster[2,2,1024]", "--conf", "spark.authenticate.secret=a-test-s")
EXECUTOR, WORKER = "CoarseGrainedExecutorBackend", "pyspark.daemon"
KILLS = 3
RECOVERY_S = 90


def delivered_again(said: str) -> int:
    """How many records Kafka delivered once more, by the job's log."""
    return sum(int(number) for number in chaos.AGAIN.findall(said))


def one_executor(job: Job) -> list[int]:
    return below(job.process.pid, EXECUTOR)[:1]


def all_executors(job: Job) -> list[int]:
    return below(job.process.pid, EXECUTOR)


def python_workers(job: Job) -> list[int]:
    """What the daemons have forked."""
    return [
        worker
        for executor in all_executors(job)
        for daemon in below(executor, WORKER)
        for worker in below(daemon, "")
    ]


@pytest.mark.long
@pytest.mark.parametrize("victims", [one_executor, all_executors, python_workers])
@pytest.mark.parametrize("approach", APPROACHES)
def test_killed_below_the_driver(
    services: Services,
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
    victims: Callable[[Job], list[int]],
) -> None:
    publish(services, topic, 9000)
    with started(
        services, tmp_path, approach, topic, output, *slowly(approach, 60), spark=CLUSTER
    ) as job:
        jobs.await_batches(services, output, 2, job, 150)
        for _ in range(KILLS):
            job.until(lambda: victims(job), 60, "there is something to kill")
            for pid in victims(job):
                with suppress(ProcessLookupError):  # it has gone meanwhile
                    os.kill(pid, signal.SIGKILL)
            jobs.await_batches(
                services, output, len(batches(services, output)) + 2, job, RECOVERY_S
            )
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(120) == 0, job.said()
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 9000


@pytest.mark.long
def test_receiver_killed_between_its_log_and_its_acknowledgement(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """The broker is frozen while the receiver stores what it had polled; then the receiver's
    executor is killed, and the broker with the acknowledgement in its ears. What was stored comes
    from the log and from Kafka, and is published once."""
    publish(services, topic, 6000)
    settings = ("--batch-interval-s", "2", "--max-rate", "200")
    with started(
        services, tmp_path, "receiver_based", topic, output, *settings, spark=CLUSTER
    ) as job:
        jobs.await_batches(services, output, 2, job, 150)
        with frozen(services, "kafka-1"):
            # what had been polled is stored: 500 records at the most, 200 per second
            chaos.pause(5)
            for pid in all_executors(job):
                os.kill(pid, signal.SIGKILL)
            kill_service(services, "kafka-1")
        services.run("start", "kafka-1")
        job.until(
            lambda: delivered_again(job.said()) > 0,
            RECOVERY_S,
            "Kafka delivers again what was not acknowledged",
        )
        jobs.await_batches(services, output, len(batches(services, output)) + 2, job, RECOVERY_S)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(120) == 0, job.said()
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 6000


@pytest.mark.long
def test_receivers_driver_killed_before_its_checkpoint(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """Killed when a batch's blocks are allocated in the log and no checkpoint knows of it: they
    come from the log, once."""
    trial = Trial(
        services, tmp_path, "none", "receiver_based", topic, output, slowly("receiver_based", 300)
    )
    publish(services, topic, 900)
    services.files.write(trial.path(fail_points.MARK), data=b"", overwrite=True)
    # a batch's first checkpoint is written while it runs, or after it
    for point in ("stage made", "tasks done", "published"):
        with trial.job("--fail-point", point) as job:
            assert job.ended(150) == -signal.SIGKILL, job.said()
    said = run_job(services, tmp_path, "receiver_based", topic, output, *trial.settings)
    assert delivered_again(said) > 0, "what was in the log came from Kafka too"
    assert audit(services, topic, output)["published"] == 900


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_task_failing_after_partial_output(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """A task that fails once per batch is tried again, and nothing is lost. A task that fails at
    each try ends the job with 1, and no later batch is published."""
    publish(services, topic, 900)
    once = Trial(
        services, tmp_path, "task_fails_once", approach, topic, output, slowly(approach, 300)
    )
    with once.job("--available-now") as job:
        assert job.ended(150) == 0, job.said()
        assert "a seeded fault" in job.said()
    assert audit(services, topic, output)["published"] == 900
    publish(services, topic, 900, "--seed", "2")
    always = Trial(services, tmp_path, "task_fails_later", approach, topic, output, once.settings)
    before = len(batches(services, output))
    with always.job() as job:
        assert job.ended(150) == 1, job.said()
    assert len(batches(services, output)) == before + 1
    run_job(services, tmp_path, approach, topic, output, *once.settings)
    assert audit(services, topic, output)["published"] == 1800


@pytest.mark.long
def test_straggler_frozen_past_the_commit(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """An executor frozen in mid task; its tasks are done elsewhere and published; then it thaws,
    and nothing of it is seen."""
    publish(services, topic, 9000)
    impatient = (
        "--conf",
        "spark.network.timeout=12s",
        "--conf",
        "spark.network.timeoutInterval=6s",
    )
    impatient += ("--conf", "spark.executor.heartbeatInterval=2s")
    with started(
        services,
        tmp_path,
        "direct",
        topic,
        output,
        *slowly("direct", 60),
        spark=(*CLUSTER, *impatient),
    ) as job:
        jobs.await_batches(services, output, 2, job, 150)
        frozen = one_executor(job)[0]
        os.kill(frozen, signal.SIGSTOP)
        try:
            jobs.await_batches(services, output, len(batches(services, output)) + 3, job, 150)
        finally:
            os.kill(frozen, signal.SIGCONT)
        wait_until(
            lambda: frozen not in below(job.process.pid, EXECUTOR),
            60,
            "the thawed executor is told to go",
        )
        jobs.await_batches(services, output, len(batches(services, output)) + 2, job, RECOVERY_S)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(120) == 0, job.said()
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 9000
