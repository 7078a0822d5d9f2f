"""The compactor is killed at each of its steps and at random, and meets another one, while a driver
publishes, records are deleted and a reader polls: what the reader sees never shrinks but by
erasure, and never doubles.

UNITS_KILLS and UNITS_PAIRS say how often, and have docs/results/compactor-kills.json written."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumers.output import commits, fail_points, units
from consumers.tweets.parse import Deleted
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit.compacting import NOW, compact, environ
from tests.kit.published_output import PARTITIONS, WebhdfsFiles, opened, publish, tweet
from units import rows
from units.reading import table

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
RESULTS = ROOT / "docs" / "results" / "compactor-kills.json"
Offset = tuple[int, int]


class World:
    """An output on HDFS whose batches are of the last hours, and what a reader saw of it."""

    def __init__(self, services: Services, path: str, hours: int = 3) -> None:
        self.services, self.output, self.dice = services, f"{services.hdfs}{path}", Random(1)
        self.files = WebhdfsFiles(services.webhdfs, path)
        self.driver = opened(self.files)
        self.files.create(fail_points.MARK, b"")
        self.published: set[Offset] = set()
        self.deleted: dict[str, Offset] = {}
        self.ids: list[tuple[str, Offset]] = []
        self.seen: set[Offset] = set()
        self.polls = 0
        self.number = 0
        for hour in range(hours):
            for _ in range(4):
                self.publish(f"2026-01-01T{hour:02d}:10:00.000Z")

    def publish(self, batch_time: str | None = None) -> None:
        """One batch of ten tweets, and from time to time a deletion of an earlier one."""
        partition = self.dice.randrange(PARTITIONS)
        start = self.driver.covered[("tweets", partition)][-1][1]
        found: list[Any] = [tweet(self.number + n, self.dice) for n in range(10)]
        self.number += 10
        if self.ids and self.dice.random() < 0.5:
            id, at = self.ids.pop(self.dice.randrange(len(self.ids)))
            self.deleted[id] = at
            found.append(Deleted(id=id))
        with pytest.MonkeyPatch.context() as patch:
            if batch_time:
                patch.setattr(commits, "now", lambda: batch_time)
            publish(self.driver, found, partition)
        offsets = [(partition, start + n) for n in range(len(found))]
        self.published |= set(offsets)
        self.ids += [(one.id, at) for one, at in zip(found, offsets, strict=False) if one.id]

    def erased(self) -> set[Offset]:
        """The offsets that units say are erased."""
        found: set[Offset] = set()
        for unit in units.current(self.files):
            try:
                data = self.files.read(f"{unit.folder}/erased.parquet")
            except FileNotFoundError:
                continue
            found |= {(row["partition"], row["offset"]) for row in rows.read(data).to_pylist()}
        return found

    def look(self) -> None:
        """One poll of a reader. Fails where a record is there twice or no longer."""
        webhdfs = self.services.webhdfs
        found = table(self.output, ["kafka"], webhdfs=webhdfs).to_pylist()
        now = [(row["kafka"]["partition"], row["kafka"]["offset"]) for row in found]
        assert len(set(now)) == len(now), "a reader saw a record twice"
        gone = self.seen - set(now)
        if gone:
            gone -= self.erased()
        assert not gone, f"a reader no longer sees {sorted(gone)[:5]}"
        self.seen |= set(now)
        self.polls += 1

    @contextmanager
    def busy(self, batches: int = 20) -> Iterator[None]:
        """Meanwhile a driver publishes and a reader polls."""
        stop = threading.Event()

        def repeat(deed: Any, pause: float, times: int) -> None:
            while not stop.is_set() and times:
                deed()
                times -= 1
                stop.wait(pause)

        with ThreadPoolExecutor(2) as threads:
            tasks = [
                threads.submit(repeat, self.publish, 0.3, batches),
                threads.submit(repeat, self.look, 0.1, -1),
            ]
            try:
                yield
            finally:
                stop.set()
        for task in tasks:
            task.result()

    def close(self, test: str, outcomes: Counter[str]) -> None:
        """Compact what is left: everything is there once but what was deleted, which is gone. Where
        it was asked for, the figures of this test are written down."""
        compact(self.services, self.output)
        self.look()
        found = table(self.output, ["kafka", "id", "deleted"], webhdfs=self.services.webhdfs)
        now = {
            (row["kafka"]["partition"], row["kafka"]["offset"]): row for row in found.to_pylist()
        }
        erased = self.erased()
        assert now.keys() | erased == self.published and not now.keys() & erased
        assert erased == set(self.deleted.values())
        opened(self.files)  # a driver can start
        if KILLS or PAIRS:
            figures = {"records": len(self.published), "erased": len(erased)}
            figures |= {"reader's polls": self.polls, "seen twice": 0, "no longer seen": 0}
            known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            known[test] = {"outcomes": outcomes, **figures}
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
    world.close(f"killed at {point}", Counter({"killed": 1}))


@pytest.mark.long
def test_killed_at_random(world: World) -> None:
    outcomes: Counter[str] = Counter()
    for _ in range(KILLS or 10):
        with world.busy(), compacting(world) as process:
            time.sleep(random.uniform(3, 20 * PATIENCE))
            outcomes["killed" if process.poll() is None else f"ended with {process.poll()}"] += 1
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    world.close("killed at random", outcomes)


@pytest.mark.long
def test_two_at_once(world: World) -> None:
    """One goes on; the other ends with 4, or was done before."""
    outcomes: Counter[str] = Counter()
    for _ in range(PAIRS or 3):
        with world.busy(), compacting(world) as one, compacting(world) as other:
            codes = []
            for process in (one, other):
                _, said = process.communicate(timeout=240 * PATIENCE)
                codes.append(process.returncode)
                assert process.returncode in (0, 4), said.decode()[-3000:]
            assert 0 in codes
            outcomes[" and ".join(map(str, sorted(codes)))] += 1
    world.close("two at once", outcomes)


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
    world.close("frozen before its rename", Counter({"ended with 4": 1}))


@pytest.mark.long
def test_batches_taken_away_by_hand_end_it(world: World) -> None:
    world.files.delete("batches/0000000/0000000002")
    compact(world.services, world.output, expect=3)
    assert json.loads(world.files.read("_identity.json")) and not units.current(world.files)
