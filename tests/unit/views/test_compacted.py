"""The store where batches have become units: every record is in its sums once, but what was
erased."""

import sqlite3
from pathlib import Path
from random import Random

import pytest

from config.errors import DataLossRisk
from consumers.output import commits, removal, units
from consumers.output.manifests import Manifest
from consumers.tweets.parse import Deleted, Tweet
from tests.kit.memory_files import MemoryFiles
from tests.kit.memory_units import compact
from tests.kit.published_output import FromFiles, opened, publish, records, tweet
from tests.unit.views.test_store import shown, sums
from units import compactor, erasures
from views.compacted import Compacted
from views.follow import Follower
from views.store.frontier import Store

HOURS, EACH, KINDS = 3, 4, ("tweets", "deleted", "rejected")
REMOVED = -1.0
"""A grace of so few hours that everything that is replaced goes."""


class World:
    """An output of some hours, with an hour that is not over, and its store."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.files, self.path, self._patch = MemoryFiles(), path, patch
        self.dice, self.number = Random(3), 0
        self.driver = opened(self.files)
        self.manifests: list[Manifest] = []
        self.tweets: list[Tweet] = []
        for hour in range(HOURS):
            self.publish(hour)

    def publish(self, hour: int, *more: Deleted) -> None:
        """Batches of this hour: tweets, some of which do not say their time, deletions of others,
        and rejected records."""
        self._patch.setattr(commits, "now", lambda: f"2026-11-27T{hour:02d}:10:00.000Z")
        for _ in range(EACH):
            found = records(self.dice, self.number, 30)
            found.append(tweet(self.number + 30, self.dice, created_at=None, lat=1.0, lon=2.0))
            self.number += 31
            self.tweets += [one for one in found if isinstance(one, Tweet)]
            self.manifests.append(publish(self.driver, [*found, *more], self.number % 3))
            more = ()

    def follower(self) -> Follower:
        return Follower(FromFiles(self.files), Store(self.path))  # type: ignore[arg-type]

    def catch_up(self) -> None:
        self.follower().catch_up()

    def assert_sums_are(self) -> None:
        """The store's sums are those of the units' newest revisions and the batches behind."""
        found, until = units.current(self.files), 0
        counts = []
        for unit in found:
            manifest, _ = units.manifest(self.files, unit)
            counts.append(manifest.counts)
            until = manifest.until
        counts += [batch.counts for batch in self.manifests[until:]]
        said = tuple(sum(one[kind] for one in counts) for kind in KINDS)
        held = sums(self.path)
        assert held["frontier"] == said
        assert held["all"] == held["every"] == held["days"] == said[0]
        assert held["cells"] == held["every_cell"] == held["located"]
        assert held["held"] == len(self.manifests)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Small transactions, and a look for units and for another output at each step."""
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 1)
    monkeypatch.setattr("views.follow.CHECK_S", 0.0)
    monkeypatch.setattr("views.compacted.LOOK_S", 0.0)
    monkeypatch.setattr(compactor, "is_over", lambda _hour: False)
    return World(tmp_path / "a", monkeypatch)


def everything(path: Path) -> list[list[tuple[object, ...]]]:
    """Every sum of a store, with the languages' names."""
    name = "(SELECT name FROM languages WHERE number = lang)"
    queries = (
        f"SELECT size, {name}, bucket, label, n, compound, points, places FROM totals",
        f"SELECT size, {name}, bucket, cell, label, n, compound FROM cells",
        "SELECT size, kind, bucket, term, n, compound FROM terms",
    )
    db = sqlite3.connect(path)
    return [sorted(db.execute(query).fetchall(), key=repr) for query in queries]


def test_what_was_removed_is_folded_from_units(world: World) -> None:
    assert compact(world.files, REMOVED).batches_removed == EACH * (HOURS - 1)
    world.catch_up()
    world.assert_sums_are()
    world.publish(HOURS)
    world.catch_up()
    world.assert_sums_are()


def test_batches_and_then_revisions_come_to_the_same_as_units_alone(
    world: World, tmp_path: Path
) -> None:
    """One store has the batches and follows each revision, another begins with the last ones."""
    world.catch_up()
    assert compact(world.files).erased  # some were deleted before their hour became a unit
    world.catch_up()
    world.assert_sums_are()
    listed = [one.id for one in world.tweets[:40:4] if one.id]
    erasures.publish(world.files, listed, "a test")
    deleted = [one.id for one in world.tweets[1:40:4] if one.id]
    world.publish(HOURS, *(Deleted(id=id) for id in deleted))
    world.publish(HOURS + 1)
    world.catch_up()
    assert not shown(world.path) & set(deleted)  # at once; counts go at the next revision
    report = compact(world.files)
    assert report.revisions and report.erased >= 15
    before = sums(world.path)["all"]
    world.catch_up()
    world.assert_sums_are()
    assert not shown(world.path) & set(listed + deleted)
    assert str(sums(world.path)["all"]) < str(before)
    compact(world.files, REMOVED)
    world.catch_up()
    alone, world.path = world.path, tmp_path / "b"
    world.catch_up()
    world.assert_sums_are()
    assert everything(alone) == everything(world.path)


def test_a_store_that_slept_goes_on_with_units(world: World) -> None:
    """Whole hours came and went; then it begins again, since a part of an hour is gone."""
    compact(world.files)
    world.publish(HOURS)
    world.catch_up()  # up to the end of what is published
    world.publish(HOURS + 1)
    world.publish(HOURS + 2)
    compact(world.files, REMOVED)
    world.catch_up()
    world.assert_sums_are()
    world.publish(HOURS + 2)
    world.publish(HOURS + 3)
    compact(world.files, REMOVED)
    follower = world.follower()
    follower.catch_up()
    follower.catch_up()
    world.assert_sums_are()


def test_a_unit_that_is_half_folded_when_its_batches_go_starts_the_store_again(
    world: World,
) -> None:
    follower = world.follower()
    for _ in range(1 + EACH + 2):
        follower.step()
    at = follower.store.frontier()
    assert at and at.low % EACH
    compact(world.files, REMOVED)
    world.catch_up()
    world.assert_sums_are()


def test_a_revision_whose_predecessor_is_gone_starts_the_store_again(world: World) -> None:
    compact(world.files, REMOVED)
    world.catch_up()
    erasures.publish(world.files, [one.id for one in world.tweets[:5] if one.id], "a test")
    assert compact(world.files, REMOVED).revisions
    world.catch_up()
    world.assert_sums_are()


def test_what_is_no_longer_kept_is_not_waited_for(world: World) -> None:
    world.publish(HOURS)
    compact(world.files, REMOVED)
    identity = world.manifests[0].identity
    assert removal.old_units(world.files, identity, "2026-11-27T01")
    world.catch_up()
    at = Store(world.path).frontier()
    assert at and at.low == at.floor == EACH
    assert sums(world.path)["held"] == len(world.manifests) - EACH


def test_an_end_within_any_statement_changes_no_sum(
    world: World,
) -> None:
    """Dies at random statements while units are folded and revisions come."""
    dice, kills = Random(1), 0

    def catch_up() -> None:
        nonlocal kills
        while True:
            store = Store(world.path)
            store._connection.set_progress_handler(
                lambda left=40 - kills: int(left > 0 and dice.random() < 0.01), 10
            )
            try:
                return Follower(FromFiles(world.files), store).catch_up()  # type: ignore[arg-type]
            except sqlite3.OperationalError as error:
                assert "interrupted" in str(error)
                kills += 1
            finally:
                store.close()

    compact(world.files, REMOVED)
    catch_up()
    folding = kills
    world.publish(HOURS, *(Deleted(id=one.id) for one in world.tweets[:200:9]))
    world.publish(HOURS + 1)
    kills = 0
    assert compact(world.files).revisions
    catch_up()
    assert folding >= 10 and kills >= 10
    world.assert_sums_are()


def test_planted_a_revision_that_is_not_taken_away_is_convicted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.catch_up()
    monkeypatch.setattr("views.store.adding.sums", lambda *_: None)
    compact(world.files)
    world.catch_up()
    with pytest.raises(AssertionError):
        world.assert_sums_are()


def test_planted_a_unit_that_is_folded_twice_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact(world.files, REMOVED)
    real = Compacted._tables
    monkeypatch.setattr(Compacted, "_tables", lambda *all: [*real(*all), *real(*all)])
    with pytest.raises(DataLossRisk, match="the files hold"):
        world.catch_up()


def test_a_hole_is_said(world: World) -> None:
    compact(world.files, REMOVED)
    follower = world.follower()
    follower.step()
    world.files.delete(units.current(world.files)[-1].folder)
    with pytest.raises(DataLossRisk, match="a batch is missing"):
        follower.catch_up()
