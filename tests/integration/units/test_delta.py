"""Delta's door on real HDFS and Spark: each unit once, whatever is killed; what is erased goes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.output import fail_points
from local import jars
from tests.conftest import PATIENCE, ROOT, Services
from tests.integration.units.test_compaction import delete, rows_of
from tests.kit import jobs
from tests.kit.compacting import compact, environ, mirror

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture
def table(output: str) -> Iterator[str]:
    """The address of a table that is not there yet."""
    if not jars.installed(jars.DELTA):
        jars.install(jars.DELTA)
    yield f"{output}-delta"


def submit(*arguments: str, expect: int = 0) -> dict[str, Any]:
    """What a program says last."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "submit"), *arguments],
        env=environ(),
        capture_output=True,
        text=True,
        timeout=240 * PATIENCE,
        check=False,
    )
    assert done.returncode == expect, (done.stdout + done.stderr)[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1])) if not expect else {}


def read(table: str) -> dict[str, Any]:
    """The table as Spark has it; each row is there once."""
    script = str(ROOT / "tests" / "on_spark" / "delta_read.py")
    ours = (ROOT / "build" / "jars" / "connector").glob("*.jar")  # --jars replaces submit's own
    found = submit("--jars", ",".join(map(str, [*ours, *jars.files(jars.DELTA)])), script, table)
    places = {(row["p"], row["o"]): (row["id"], row["tweet"]) for row in found["rows"]}
    assert len(places) == len(found["rows"]), "a row is there twice"
    return {**found, "rows": places}


def wanted(services: Services, output: str) -> dict[tuple[int, int], Any]:
    """What the table has to have."""
    return {
        at: (row["id"], row["tweet"].hex().upper()) for at, row in rows_of(services, output).items()
    }


def test_units_and_their_revisions_once_whatever_is_killed(
    services: Services, topic: str, output: str, table: str
) -> None:
    line = ("delta", "--output", output, "--to", table, "--grace-hours", "0")
    for hour in range(3):
        jobs.publish(services, topic, 80)
        mirror(services, topic, output, hour=f"2026-01-01T{hour:02d}")
    compact(services, output)
    services.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", b"")
    killed = subprocess.run(
        [str(ROOT / "scripts" / "submit"), *line, "--fail-point", "unit in the table:2"],
        env=environ(),
        capture_output=True,
        timeout=240 * PATIENCE,
        check=False,
        preexec_fn=os.setpgrp,  # noqa: PLW1509  the JVM dies with its child
    )
    assert killed.returncode in (-signal.SIGKILL, 137), killed.stderr[-3000:]
    assert submit(*line)["units"] == 1
    before = read(table)
    assert before["rows"] == wanted(services, output)
    assert "another --to" in before["refusal"]

    gone = sorted(id for id, _ in before["rows"].values())[:5]
    delete(services, topic, gone)
    mirror(services, topic, output, hour="2026-01-01T03")
    assert compact(services, output)["erased"] >= len(gone)
    told = submit(*line)
    assert told["units"] == 1 and told["revisions"] >= 1
    after = read(table)
    assert after["rows"] == wanted(services, output)
    assert after["files"] == after["there"] == before["files"] + 1, "what was erased is still there"
    assert not after["in_log"], "Delta's log has words of rows"
    assert submit(*line) == {
        **told,
        "units": 0,
        "revisions": 0,
        "seconds": pytest.approx(0, abs=900),
    }
