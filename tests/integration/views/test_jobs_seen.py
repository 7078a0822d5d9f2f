"""The student's story, with the real jobs: what the views say of what they published."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Services
from tests.kit.jobs import audit, publish, run_job, slowly
from views.follow import store_path


def watched(services: Services, folder: Path, *outputs: str) -> dict[str, Any]:
    """What scripts/watch --json says of these outputs."""
    command = [sys.executable, str(ROOT / "scripts" / "watch"), "--json", "--store", str(folder)]
    command += [word for output in outputs for word in ("--output", output)]
    environ = {**os.environ, **services.environ}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def summary(services: Services, folder: Path, output: str) -> str:
    """What scripts/summary.py says of an output, with the stores in this folder."""
    command = [sys.executable, str(ROOT / "scripts" / "summary.py"), "--output", output]
    command += ["--store", str(folder), "--webhdfs", services.webhdfs]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.long
def test_one_job_falls_behind_and_the_other_takes_its_output_over(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """Both publish; only receiver_based continues, then takes direct's output over: each offset is
    covered by both, once, and the figures are the audit's."""
    first, second = f"{output}/direct", f"{output}/receiver_based"
    stores = tmp_path / "stores"
    publish(services, topic, 900, "--malformed", "0.02")
    run_job(services, tmp_path, "direct", topic, first, *slowly("direct", 300))
    run_job(services, tmp_path, "receiver_based", topic, second)
    publish(services, topic, 300)
    run_job(services, tmp_path, "receiver_based", topic, second)
    one, other = watched(services, stores, first, second)["outputs"]
    assert one["behind_s"] > 0 == other["behind_s"]
    assert [mark["kind"] for mark in other["marks"]] == ["restart"]

    run_job(services, tmp_path, "receiver_based", topic, first)
    found = watched(services, stores, first, second)
    for each, address in zip(found["outputs"], (first, second), strict=True):
        verdict = audit(services, topic, address)
        counted = each["tweets"] + each["deleted"] + each["rejected"]
        assert counted == verdict["published"] == verdict["in_kafka"]
        assert each["totals"]["tweets"] == each["tweets"] and each["missing"] == 0
    assert "takeover" in [mark["kind"] for mark in found["outputs"][0]["marks"]]
    assert sum(row["both"] for row in found["coverage"]) == verdict["in_kafka"]
    assert [row["only"] for row in found["coverage"]] == [[0, 0]] * 3
    empty = summary(services, tmp_path / "none", first)
    assert summary(services, stores, first) == empty
    store = sqlite3.connect(store_path(stores, first))
    store.execute("UPDATE totals SET n = n + 1 WHERE size = 0 AND label = 0")
    store.commit()
    assert summary(services, stores, first) != empty  # the counter-test: it has read the store
