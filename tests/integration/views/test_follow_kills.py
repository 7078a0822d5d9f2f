"""A follower that is killed at any time, on a real HDFS: its store holds every batch once."""

import subprocess
import sys
import time
import uuid
from pathlib import Path
from random import Random

import pytest

from tests.conftest import ROOT, Services, wait_until
from tests.kit.published_output import WebhdfsFiles, opened, publish, records
from tests.unit.views.test_store import assert_sums_are, sums
from views.follow import store_path

EACH = 100  # records in a batch


def follower(services: Services, output: str, folder: Path) -> subprocess.Popen[bytes]:
    """A follower in a process of its own, small transactions."""
    code = (
        "import views.follow as f; f.DIGEST_BATCHES = 1; from config.errors import exit_with; "
        "exit_with(f.main)"
    )
    return subprocess.Popen(
        [
            *(sys.executable, "-c", code, "--output", output),
            *("--webhdfs", services.webhdfs, "--store", str(folder)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.long)])
def test_kills_change_no_sum(services: Services, tmp_path: Path, kills: int) -> None:
    """kill -9 at a random moment, while batches are published and older ones are folded: the sums
    of the store are those of the manifests, after some kills and at the end."""
    batches = 2 * kills
    path, dice = f"/tests/{uuid.uuid4().hex[:12]}", Random(7)
    output, own = f"{services.hdfs}{path}", opened(WebhdfsFiles(services.webhdfs, path))
    manifests = [publish(own, records(dice, EACH * n, EACH), n % 3) for n in range(batches)]
    store, inside = store_path(tmp_path, output), 0
    for kill in range(kills):
        process = follower(services, output, tmp_path)
        before = sums(store)["held"] if kill else 0
        wait_until(
            lambda b=before: store.exists() and _held(store) > b or b >= len(manifests),
            60,
            "the follower folds something",
        )
        time.sleep(dice.random() * 0.05)
        process.kill()
        process.wait()
        inside += _held(store) < len(manifests)
        if kill % 2:
            number = len(manifests)
            manifests.append(publish(own, records(dice, EACH * number, EACH), number % 3))
    # how many depends on how fast this machine folds; the sums count after each of them
    assert inside >= kills // 10
    process = follower(services, output, tmp_path)
    wait_until(lambda: _held(store) == len(manifests), 120, "all batches are in the store")
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=10) == 0
    assert_sums_are(store, manifests)


def _held(store: Path) -> int:
    import sqlite3

    try:
        return int(str(sums(store)["held"]))
    except (TypeError, sqlite3.OperationalError):
        return 0
