"""The arithmetic of what is covered, against sets of offsets, and the manifest's bytes."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from consumers.output import manifests
from consumers.output.manifests import Interval, Manifest

MANIFEST = Manifest(
    identity="5f0c1d2e3a4b5968",
    seq=7,
    epoch=3,
    commit_id="0a1b",
    approach="direct",
    batch_time="2026-01-01T00:00:00.000Z",
    previous=None,
    topics={"tweets": "id-1", "tweets-ü": "id-2"},
    ranges=[("tweets", 0, 10, 12), ("tweets-ü", 1, 0, 1)],
    covered={
        ("tweets", 0): [(4, 12), (20, 21)],
        ("tweets", 10): [(5, 5)],
        ("tweets-ü", 1): [(0, 1)],
    },
    counts={"tweets": 2, "deleted": 0, "rejected": 1},
    files=[{"path": "tweets/part-00000-0.json.gz", "bytes": 120, "records": 2}],
    scorer="vader",
    leader_epochs={("tweets", 0): 4, ("tweets", 10): 0},
)


def offsets(intervals: list[Interval]) -> set[int]:
    return {offset for start, end in intervals for offset in range(start, end)}


def some_interval(chance: random.Random) -> Interval:
    start = chance.randrange(40)
    return start, start + chance.randrange(12)


def test_add_and_missing_agree_with_sets() -> None:
    chance = random.Random(20260101)
    for _ in range(2000):
        intervals: list[Interval] = []
        known: set[int] = set()
        for _ in range(chance.randrange(8)):
            new = some_interval(chance)
            intervals, known = manifests.add(intervals, new), known | offsets([new])
            assert offsets(intervals) == known
            assert all(
                before[1] < after[0]
                for before, after in zip(intervals, intervals[1:], strict=False)
            ), intervals
        wanted = some_interval(chance)
        gaps = manifests.missing(intervals, wanted)
        assert offsets(gaps) == offsets([wanted]) - known
        assert gaps == sorted(gaps)
        assert all(start < end for start, end in gaps)


def test_added_and_missing_are_all_there_is() -> None:
    chance = random.Random(7)
    for _ in range(500):
        intervals = manifests.add(manifests.add([], some_interval(chance)), some_interval(chance))
        wanted = some_interval(chance)
        filled = intervals
        for gap in manifests.missing(intervals, wanted):
            filled = manifests.add(filled, gap)
        assert offsets(filled) == offsets(intervals) | offsets([wanted])
        assert manifests.missing(filled, wanted) == []


@pytest.mark.parametrize(
    ("intervals", "new", "after"),
    [
        ([], (3, 5), [(3, 5)]),
        ([(3, 5)], (5, 7), [(3, 7)]),
        ([(3, 5)], (6, 7), [(3, 5), (6, 7)]),
        ([(3, 5), (7, 9)], (4, 8), [(3, 9)]),
        ([(3, 9)], (4, 5), [(3, 9)]),
        ([(5, 5)], (5, 8), [(5, 8)]),
        ([(5, 5)], (7, 8), [(5, 5), (7, 8)]),
    ],
)
def test_add(intervals: list[Interval], new: Interval, after: list[Interval]) -> None:
    assert manifests.add(intervals, new) == after


def test_the_frontier_stays_at_the_beginning_until_what_follows_it_is_published() -> None:
    """Without the empty interval a late block would set the frontier behind records that nobody has
    published."""
    covered = {("tweets", 0): [(5, 5)]}
    assert manifests.frontiers(covered) == {("tweets", 0): 5}
    covered = manifests.cover(covered, [("tweets", 0, 8, 10)])
    assert manifests.frontiers(covered) == {("tweets", 0): 5}
    covered = manifests.cover(covered, [("tweets", 0, 5, 8)])
    assert covered == {("tweets", 0): [(5, 10)]}
    assert manifests.frontier([]) == 0


def test_cover_leaves_the_old_one_alone_and_starts_a_new_partition_at_zero() -> None:
    before = {("tweets", 0): [(0, 5)]}
    after = manifests.cover(before, [("tweets", 0, 5, 6), ("tweets", 3, 2, 4)])
    assert before == {("tweets", 0): [(0, 5)]}
    assert after == {("tweets", 0): [(0, 6)], ("tweets", 3): [(0, 0), (2, 4)]}


@pytest.mark.parametrize(
    ("covered", "ends", "reached"),
    [
        ({}, {}, True),
        ({}, {("tweets", 0): 0}, True),
        ({}, {("tweets", 0): 1}, False),
        ({("tweets", 0): [(0, 5)]}, {("tweets", 0): 5}, True),
        ({("tweets", 0): [(0, 9)]}, {("tweets", 0): 5}, True),
        ({("tweets", 0): [(0, 4), (5, 9)]}, {("tweets", 0): 5}, False),
        ({("tweets", 0): [(7, 7)]}, {("tweets", 0): 7}, True),
        ({("tweets", 0): [(0, 5)]}, {("tweets", 0): 5, ("tweets", 1): 1}, False),
    ],
)
def test_reached(
    covered: manifests.Covered, ends: dict[tuple[str, int], int], reached: bool
) -> None:
    assert manifests.reached(covered, ends) is reached


def test_a_manifest_survives_its_bytes() -> None:
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST
    second = replace(
        MANIFEST, previous=manifests.digest(MANIFEST.to_bytes()), accepted_loss="who and why"
    )
    assert Manifest.from_bytes(second.to_bytes()) == second


def test_the_bytes_are_what_other_programs_read() -> None:
    content = json.loads(MANIFEST.to_bytes())
    assert content["version"] == 2
    assert content["covered"] == {
        "tweets": {"0": [[4, 12], [20, 21]], "10": [[5, 5]]},
        "tweets-ü": {"1": [[0, 1]]},
    }
    assert content["ranges"] == [["tweets", 0, 10, 12], ["tweets-ü", 1, 0, 1]]
    assert content["previous"] is None


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(MANIFEST.to_bytes()), **fields}).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a manifest"),
        (b"{", "not a manifest"),
        (b"[]", "not a manifest"),
        (b"null", "not a manifest"),
        (b"{}", "not a manifest"),
        (MANIFEST.to_bytes()[:-9], "not a manifest"),
        (changed(covered=[]), "not a manifest"),
        (changed(ranges=[3]), "not a manifest"),
        (b'{"version": 2}', "not a manifest"),
        (b"\xff\xfe\x00", "decode"),
    ],
)
def test_what_is_no_manifest(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Manifest.from_bytes(data)


def test_another_versions_manifest() -> None:
    with pytest.raises(manifests.OtherVersion, match="version 3, this program knows 2"):
        Manifest.from_bytes(changed(version=3))
    with pytest.raises(
        manifests.OtherVersion, match="fields that this program does not know: surprise"
    ):
        Manifest.from_bytes(changed(surprise=1))


def test_the_hash_is_of_the_bytes() -> None:
    assert (
        manifests.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert manifests.digest(MANIFEST.to_bytes()) != manifests.digest(MANIFEST.to_bytes() + b" ")
