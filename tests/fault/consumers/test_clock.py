"""The wall clock jumps by an hour while a job runs, and back before the next start: Spark's timer
of the batches reads it."""

from pathlib import Path

import pytest

from tests.conftest import ROOT, Services
from tests.kit import jobs
from tests.kit.faults.attacks import attacked, java_jar
from tests.kit.jobs import APPROACHES

HOUR_MS = 3_600_000


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_the_clock_jumps_an_hour_and_back(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """The direct job continues at once. A recovered receiver job would wait for an hour; it ends
    with 2 and says so."""
    shift = tmp_path / "shift"
    shift.write_text("0")
    jars = [
        *(ROOT / "build" / "jars" / "connector").glob("*.jar"),
        java_jar("ShiftedClock", tmp_path),
    ]
    spark = ("--jars", ",".join(map(str, jars)), "--conf", "spark.streaming.clock=ShiftedClock")
    clock = {"TEST_CLOCK_SHIFT": str(shift)}
    with attacked(services, tmp_path, approach, topic, output) as attack:
        settings = (*jobs.slowly(approach, 30), "--batch-interval-s", "5")
        place = (services, tmp_path, approach, topic, output, *settings)
        with jobs.started(*place, spark=spark, environ=clock) as job:
            attack.grows(job)
            shift.write_text(str(HOUR_MS))  # 720 batches are due
            attack.grows(job, by=2)
            job.kill()
        shift.write_text("0")
        if approach == "receiver_based":
            with jobs.started(*place, spark=spark, environ=clock) as job:
                assert job.ended(120) == 2, job.said()
            assert "the clock" in job.said() and "another --checkpoint" in job.said(), job.said()
            settings = (*settings, "--checkpoint", f"{output}/_checkpoint-2")
        with attack.started(*settings, output=output) as job:
            attack.all_published(job)
