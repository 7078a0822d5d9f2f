"""The store: every batch is in its sums once, whatever is killed and in whatever order it comes."""

import sqlite3
from pathlib import Path
from random import Random

import pytest

from config.errors import DataLossRisk
from consumers.output.manifests import Manifest
from consumers.tweets.row import Deleted
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records, tweet
from views.follow import Follower
from views.store.fold import Digest
from views.store.frontier import Store


def sums(path: Path) -> dict[str, object]:
    """What the store says of everything, each figure from a table of its own."""
    db = sqlite3.connect(path)
    one = lambda query: db.execute(query).fetchone()  # noqa: E731
    return {
        "frontier": one("SELECT tweets, deleted, rejected FROM frontier"),
        "batches": one("SELECT sum(tweets), sum(deleted), sum(rejected) FROM batches"),
        "all": one("SELECT sum(n) FROM totals WHERE size = 0 AND lang >= 0")[0],
        "every": one("SELECT sum(n) FROM totals WHERE size = 0 AND lang = -1")[0],
        "days": one("SELECT sum(n) FROM totals WHERE size = 86400 AND lang = -1")[0],
        "cells": one("SELECT sum(n) FROM cells WHERE size = 0 AND lang >= 0")[0],
        "every_cell": one("SELECT sum(n) FROM cells WHERE size = 0 AND lang = -1")[0],
        "located": one("SELECT sum(points + places) FROM totals WHERE size = 0 AND lang = -1")[0],
        "compound": one("SELECT sum(compound) FROM totals WHERE size = 0 AND lang = -1")[0],
        "coffee": one("SELECT n FROM terms WHERE size = 0 AND term = 'coffee'")[0],
        "held": one("SELECT next - low FROM frontier")[0],
    }


def assert_sums_are(path: Path, manifests: list[Manifest]) -> None:
    """The store's sums are those of these manifests."""
    said = tuple(
        sum(manifest.counts[name] for manifest in manifests)
        for name in ("tweets", "deleted", "rejected")
    )
    found = sums(path)
    assert found["frontier"] == found["batches"] == said
    assert found["all"] == found["every"] == found["days"] == said[0]
    assert found["cells"] == found["every_cell"] == found["located"]
    assert found["held"] == len(manifests)


@pytest.fixture
def world() -> tuple[MemoryFiles, list[Manifest]]:
    """An output of a dozen batches."""
    files, dice = MemoryFiles(), Random(1)
    output = opened(files)
    return files, [publish(output, records(dice, 50 * n, 50), n % 3) for n in range(12)]


def test_sums_are_the_manifests(world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path) -> None:
    files, manifests = world
    Follower(FromFiles(files), Store(tmp_path / "a")).catch_up()
    assert_sums_are(tmp_path / "a", manifests)


def test_live_and_backfill_come_to_the_same(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One store begins before the output, one behind its newest batch, and folds it downward."""
    files, manifests = world
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 1)
    upward = Store(tmp_path / "up")
    upward.begin(None)
    Follower(FromFiles(files), upward).catch_up()
    downward = Follower(FromFiles(files), Store(tmp_path / "down"))
    downward.catch_up()
    assert_sums_are(tmp_path / "up", manifests)
    assert sums(tmp_path / "up") == sums(tmp_path / "down")


def test_backfill_goes_from_the_newest_to_the_oldest_and_new_batches_first(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = world
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 2)
    store = Store(tmp_path / "a")
    follower = Follower(FromFiles(files), store)
    follower.step()
    follower.step()
    publish(opened(files, "receiver_based"), records(Random(2), 9000, 20))
    held = []
    while follower.step():
        at = store.frontier()
        assert at
        held.append((at.low, at.next))
    assert held == [(10, 13), (8, 13), (6, 13), (4, 13), (2, 13), (0, 13)]


@pytest.mark.parametrize("seed", range(3))
def test_an_end_within_any_statement_changes_no_sum(
    world: tuple[MemoryFiles, list[Manifest]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Dies at random statements, 50 times and more, and continues from the file as it is then."""
    files, manifests = world
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 1)
    dice, kills = Random(seed), 0
    while True:
        store = Store(tmp_path / "a")
        store._connection.set_progress_handler(
            lambda left=60 - kills: int(left > 0 and dice.random() < 0.003), 10
        )
        try:
            Follower(FromFiles(files), store).catch_up()
            break
        except sqlite3.OperationalError as error:
            assert "interrupted" in str(error)
            kills += 1
        finally:
            store.close()
    assert kills >= 50
    assert_sums_are(tmp_path / "a", manifests)


def test_two_followers_of_one_store_count_once(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, manifests = world
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 1)
    one, other = (Follower(FromFiles(files), Store(tmp_path / "a")) for _ in range(2))
    at = (one.step(), one.store.frontier())[1]
    assert at
    stale = other._digest(at, -1)  # both have read batch 11, and one of them is first
    one.step()
    assert not other.store.add(stale)
    while one.step() + other.step():
        pass
    assert_sums_are(tmp_path / "a", manifests)


def test_planted_a_store_without_its_transaction_is_convicted(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter-test: where sums and frontier change in two transactions, a kill between them
    counts a batch twice, and the comparison above says so."""
    files, manifests = world
    monkeypatch.setattr("views.follow.DIGEST_BATCHES", 1)
    store = Store(tmp_path / "a")
    follower = Follower(FromFiles(files), store)
    follower.step()
    moved = store._connection.execute("SELECT low, below FROM frontier").fetchone()
    follower.step()
    store._connection.execute("UPDATE frontier SET low = ?, below = ?", moved)
    store._connection.execute("DELETE FROM batches")
    follower.catch_up()
    with pytest.raises(AssertionError):
        assert_sums_are(tmp_path / "a", manifests)


def test_a_file_with_other_lines_than_its_manifest_says_is_refused(tmp_path: Path) -> None:
    files, dice = MemoryFiles(), Random(1)
    publish(opened(files), records(dice, 0, 9))
    path = next(name for name in files.nodes if name.endswith(".json.gz"))
    files.nodes[path] = (files.nodes[path] or b"") * 2  # gzip members may follow one another
    with pytest.raises(DataLossRisk, match="the files hold"):
        Follower(FromFiles(files), Store(tmp_path / "a")).catch_up()
    db = sqlite3.connect(tmp_path / "a")
    assert db.execute("SELECT count(*) FROM totals").fetchone() == (0,)


def test_a_broken_chain_is_refused(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path
) -> None:
    files, manifests = world
    store = Store(tmp_path / "a")
    store.begin(None)
    digest = Digest()
    digest.add(manifests[0], b"other bytes", [])
    digest.counts.update(manifests[0].counts)
    assert store.add(digest)
    with pytest.raises(DataLossRisk, match="chain"):
        Follower(FromFiles(files), store).catch_up()


def test_another_output_in_its_place_starts_the_store_again(
    world: tuple[MemoryFiles, list[Manifest]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = world
    monkeypatch.setattr("views.follow.CHECK_S", 0.0)
    follower = Follower(FromFiles(files), Store(tmp_path / "a"))
    follower.catch_up()
    files.delete_all()
    again = [publish(opened(files), records(Random(5), 0, 30))]
    follower.catch_up()  # notices, and empties the store
    follower.catch_up()
    assert_sums_are(tmp_path / "a", again)


def shown(path: Path) -> set[str]:
    return {row[0] for row in sqlite3.connect(path).execute("SELECT id FROM examples")}


@pytest.mark.parametrize("upward", [True, False])
def test_a_tombstone_takes_examples_away(tmp_path: Path, upward: bool) -> None:
    """Whether the deletion is folded after the tweet, or before it, as backfill does."""
    files, dice = MemoryFiles(), Random(1)
    output = opened(files)
    did = "did:plc:invented"
    publish(output, [tweet(n, dice, id=f"t{n}", lat=51.5, lon=0.0) for n in range(4)])
    publish(output, [tweet(9, dice, id=f"{did}/3k", author_id=did, lat=51.5, lon=0.0)])
    publish(output, [Deleted(id="t1"), Deleted(id=did)])
    store = Store(tmp_path / "a")
    if upward:
        store.begin(None)
    Follower(FromFiles(files), store).catch_up()
    assert shown(tmp_path / "a") == {"t0", "t2", "t3"}
    assert sums(tmp_path / "a")["all"] == 5  # a count goes at the next revision
