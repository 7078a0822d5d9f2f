"""The compactor is killed at each of its steps and at random, and meets another one, while a driver
publishes, records are deleted and a reader polls: what the reader sees never shrinks but by
erasure, and never doubles.

UNITS_KILLS and UNITS_PAIRS say how often, and have docs/results/compactor-kills.json written."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumers.output import units
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit.compacted_world import World
from tests.kit.compacting import NOW, compact, environ

POINTS = (
    "epoch claimed",
    "unit staged",
    "unit written",
    "unit files taken",
    "unit manifest written",
    "before unit rename",
    "after unit rename",
    "batches removed",
    "revision removed",
)
KILLS, PAIRS = (int(os.environ.get(f"UNITS_{name}", "0")) for name in ("KILLS", "PAIRS"))
pytestmark = pytest.mark.timeout(600 + 300 * max(KILLS, PAIRS))
EACH = 25
RESULTS = ROOT / "docs" / "results" / "compactor-kills.json"


def close(world: World, test: str, outcomes: Counter[str]) -> None:
    """Hold the output against what was published, and, where it was asked for, write the figures
    of this test down; those of its earlier outputs are added."""
    figures = world.close()
    if not KILLS and not PAIRS:
        return
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = known.get(test, {}) if outcomes.total() > EACH else {}
    added = {name: before.get(name, 0) + value for name, value in figures.items()}
    known[test] = {"outcomes": outcomes, **added, "seen twice": 0, "no longer seen": 0}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


@pytest.fixture
def world(services: Services, output: str) -> World:
    return World(services, output.removeprefix(services.hdfs))


@contextmanager
def compacting(world: World, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [str(ROOT / "scripts" / "submit"), NOW, "--output", world.output]
    command += ["--grace-hours", "0", "--erase-hours", "0", *arguments]
    process = subprocess.Popen(
        command,
        env=environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    "point",
    [
        "before unit rename",
        *(
            pytest.param(one, marks=pytest.mark.long)
            for one in POINTS
            if one != "before unit rename"
        ),
    ],
)
def test_killed_at(point: str, world: World) -> None:
    if point == "revision removed":
        compact(world.services, world.output)
        for _ in range(6):
            world.publish()
    with world.busy(), compacting(world, "--fail-point", point) as process:
        _, said = process.communicate(timeout=240 * PATIENCE)
        assert process.returncode == -signal.SIGKILL, said.decode()[-3000:]
    assert world.polls
    close(world, f"killed at {point}", Counter({"killed": 1}))


@pytest.mark.long
def test_killed_at_random(services: Services, output: str) -> None:
    """From its start to a little after the time that a whole run has just taken here."""
    for world, outcomes, kills in worlds(services, output, KILLS or 10, "killed at random"):
        began = time.monotonic()
        compact(services, world.output)
        took_s = time.monotonic() - began
        while outcomes["killed"] < kills:
            with world.busy(), compacting(world) as process:
                time.sleep(random.uniform(0.25, 1.1) * took_s)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                _, said = process.communicate(timeout=60 * PATIENCE)
            assert process.returncode in (0, -signal.SIGKILL), said.decode()[-3000:]
            outcomes["killed" if process.returncode else "ended with 0"] += 1


@pytest.mark.long
def test_two_at_once(services: Services, output: str) -> None:
    """One goes on; the other ends with 4, or was done before."""
    for world, outcomes, pairs in worlds(services, output, PAIRS or 3, "two at once"):
        while outcomes.total() < pairs:
            with world.busy(), compacting(world) as one, compacting(world) as other:
                codes = []
                for process in (one, other):
                    _, said = process.communicate(timeout=240 * PATIENCE)
                    codes.append(process.returncode)
                    assert process.returncode in (0, 4), said.decode()[-3000:]
                assert 0 in codes
                outcomes[" and ".join(map(str, sorted(codes)))] += 1


def worlds(
    services: Services, output: str, times: int, test: str
) -> Iterator[tuple[World, Counter[str], int]]:
    """Outputs for up to EACH attempts, each with where to count the outcomes and how many are
    wanted; a reader's polls would take too long in one that has grown for hundreds."""
    total: Counter[str] = Counter()
    for start in range(0, times, EACH):
        world = World(services, f"{output.removeprefix(services.hdfs)}-{start}")
        outcomes: Counter[str] = Counter()
        yield world, outcomes, min(EACH, times - start)
        total += outcomes
        close(world, test, total)


@pytest.mark.long
def test_a_frozen_compactor_changes_nothing_when_it_thaws(world: World, tmp_path: Path) -> None:
    """It is held before its rename; another one compacts and erases."""
    release = tmp_path / "release"
    with compacting(world, "--fail-point", f"before unit rename:1:{release}") as frozen:
        for line in iter(frozen.stderr.readline, b""):  # type: ignore[union-attr]
            if b"held at before unit rename" in line:
                break
        compact(world.services, world.output)
        before = sorted(units.current(world.files))
        release.touch()
        _, said = frozen.communicate(timeout=240 * PATIENCE)
        assert frozen.returncode == 4, said.decode()[-3000:]
    assert sorted(units.current(world.files)) == before
    close(world, "frozen before its rename", Counter({"ended with 4": 1}))


@pytest.mark.long
def test_batches_taken_away_by_hand_end_it(world: World) -> None:
    world.files.delete("batches/0000000/0000000002")
    compact(world.services, world.output, expect=3)
    assert json.loads(world.files.read("_identity.json")) and not units.current(world.files)
