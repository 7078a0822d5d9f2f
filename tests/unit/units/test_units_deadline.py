"""How long a deleted row stays, over two days by a clock of the test's own, with the compactor's
defaults and a run every hour: what docs/units.md promises."""

import statistics
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from consumers.output import aside, chain, commits, compaction, removal, units
from consumers.tweets.parse import Deleted
from tests.kit.memory_files import MemoryFiles
from tests.kit.memory_units import OnMemory
from tests.kit.published_output import opened, publish, tweet
from units import compactor, erasures, rows
from units.settings import ROWS

MINUTE, HOUR, BEGIN = 60, 3600, datetime(2026, 11, 1, tzinfo=timezone.utc)
DEFAULTS = {setting.name: setting.default for setting in ROWS["compact"]}


class Clock:
    """The time that the programs are told, in seconds since BEGIN."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at = 0.0
        for module in (commits, compaction, erasures):
            patch.setattr(module, "now", lambda: self.text(0))
        patch.setattr(removal, "ago", lambda hours: self.text(hours))
        patch.setattr(compactor, "is_over", self.is_over)
        patch.setattr("time.time", lambda: BEGIN.timestamp() + self.at)

    def text(self, hours_ago: float) -> str:
        then = BEGIN + timedelta(seconds=self.at - hours_ago * HOUR)
        return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def is_over(self, hour: str) -> bool:
        end = datetime.fromisoformat(f"{hour}:00:00+00:00") + timedelta(hours=1, minutes=5)
        return BEGIN + timedelta(seconds=self.at) >= end


class Disk:
    """Which ids of tweets are in files that are there."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files, self._of = files, dict[str, set[str]]()

    def ids(self, batches: list[set[str]]) -> set[str]:
        """Of units' files of any revision, and of batches by their numbers."""
        found: set[str] = set()
        for name in self.files.nodes:
            if name.startswith("units/") and "/tweets/part" in name:
                found |= self._of.setdefault(name, self._read(name))
        kept = [n for n in range(len(batches)) if self.files.exists(chain.folder(n))]
        return found.union(*(batches[n] for n in kept))

    def _read(self, name: str) -> set[str]:
        table = rows.read(self.files.read(name), ["id", "deleted"]).to_pylist()
        return {row["id"] for row in table if not row["deleted"]}


def simulated(clock: Clock, hours: int, keeps: float) -> tuple[list[float], list[float]]:
    """Hours from each deletion to the unit without it, and to the removal of its last copy."""
    files, dice, driver = MemoryFiles(), Random(5), None
    driver, number = opened(files), 0
    batches: list[set[str]] = []
    deleted: dict[str, float] = {}
    erased: list[float] = []
    gone: list[float] = []
    disk, storage = Disk(files), OnMemory(files)
    for minute in range(0, hours * 60, 20):
        clock.at = minute * MINUTE
        more: list[Any] = [tweet(number + n, dice, created_at=clock.text(0)) for n in range(6)]
        number += 6
        batches.append({one.id for one in more})
        if 0 < minute < (hours - 26) * 60:
            for _ in range(2):
                id = dice.choice(sorted(dice.choice(batches[:-1])))
                if id not in deleted:
                    deleted[id] = clock.at
                    more.append(Deleted(id=id))
        publish(driver, more, 0)
        if minute % 60 == 40:
            there: Any = storage
            run = compactor.Compactor(there, aside.claim(files), lambda *_: None)
            erased += run.run(keeps, DEFAULTS["erase_hours"], 0).hours
            left = disk.ids(batches)
            for id in [id for id in deleted if deleted[id] >= 0 and id not in left]:
                gone.append((clock.at - deleted[id]) / HOUR)
                deleted[id] = -1.0
    assert len(erased) == len(gone) == len(deleted) > 100 and units.current(files)
    return erased, gone


def test_a_deleted_row_is_gone_within_the_time_that_is_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """20 hours: the hour of the tombstone, a run, the next look, the grace, and a run once more."""
    erased, gone = simulated(Clock(monkeypatch), 56, DEFAULTS["grace_hours"])
    for name, found in (("without it", erased), ("gone", gone)):
        cuts = statistics.quantiles(found, n=100)
        print(name, [round(cuts[at - 1], 1) for at in (50, 90, 99)], round(max(found), 1))
    assert max(erased) <= 8 and max(gone) <= 21


def test_planted_a_longer_grace_is_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    _, gone = simulated(Clock(monkeypatch), 56, DEFAULTS["grace_hours"] + 3)
    assert max(gone) > 21
