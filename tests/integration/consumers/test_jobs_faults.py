"""Both jobs ended in mid-run by a signal, and continued by themselves or by each other: nothing
lost, nothing twice.

How they stand kill -9: tests/fault/consumers/test_driver_kills.py.
"""

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Services
from tests.kit.jobs import (
    APPROACHES,
    audit,
    await_batches,
    batches,
    path_of,
    publish,
    run_job,
    slowly,
    started,
)


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_signals_stop_in_order(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    publish(services, topic, 4000)
    for number in (signal.SIGTERM, signal.SIGINT):
        with started(services, tmp_path, approach, topic, output, *slowly(approach, 100)) as job:
            await_batches(services, output, len(batches(services, output)) + 2, job)
            # A terminal's Ctrl-C reaches the driver's Python too; kill and supervisors mean the one
            # process they know.
            os.killpg(
                job.process.pid, number
            ) if number == signal.SIGINT else job.process.send_signal(number)
            assert job.ended(20) == 0, job.said()
            assert "error" not in job.said().lower(), job.said()
            assert "write ahead log" not in job.said(), job.said()
        verdict = audit(services, topic, output, expect=1)
        assert 0 < verdict["lost"] == 4000 - verdict["published"], (
            "it was stopped in mid-run, not at the end"
        )
        assert verdict["duplicated"] == verdict["chain_errors"] == 0

    # either job continues; this one need not keep to the rate
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 4000


def test_a_log_that_cannot_be_written_is_said(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """The driver's log of what its receivers have stored: its folder is taken away from under it,
    and it begins another one."""
    publish(services, topic, 4000)
    # a new file each time
    often = ("--conf", "spark.streaming.driver.writeAheadLog.rollingIntervalSecs=2")
    place = (services, tmp_path, "receiver_based", topic, output)
    with started(
        *place, *slowly("receiver_based", 100), "--checkpoint", f"{output}-checkpoint", spark=often
    ) as job:
        await_batches(services, output, 2, job)
        assert services.files.delete(
            f"{path_of(output)}-checkpoint/receivedBlockMetadata", recursive=True
        )
        job.until(
            lambda: "WARN" in job.said() and "Failed to write to write ahead log" in job.said(),
            60,
            "the job says so",
        )
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 4000


def test_either_job_continues_the_others_output(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    for turn, approach in enumerate(("direct", "receiver_based", "direct"), 1):
        publish(services, topic, 300, "--seed", str(turn))
        run_job(services, tmp_path, approach, topic, output)
        assert audit(services, topic, output)["published"] == 300 * turn
