"""The store where batches have become units: every record is in its sums once, but what was
erased."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from config.errors import DataLossRisk
from consumers.output import removal, units
from consumers.tweets.parse import Deleted
from tests.conftest import ROOT
from tests.kit.followed_units import EACH, HOURS, REMOVED, World
from tests.kit.memory_units import compact
from tests.kit.published_output import FromFiles
from tests.unit.views.test_store import shown, sums
from units import compactor, erasures
from views.compacted import Compacted
from views.follow import Follower
from views.store.frontier import Store


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


def test_a_damaged_unit_is_said(world: World) -> None:
    compact(world.files, REMOVED)
    names = [name for name in world.files.nodes if "/tweets/part" in name and "units/" in name]
    for name in names:
        world.files.nodes[name] = b"PAR1 no more"
    with pytest.raises(DataLossRisk, match="part.*parquet"):
        world.catch_up()


def test_arrow_is_loaded_only_where_there_are_units() -> None:
    code = "import sys, views.follow; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
