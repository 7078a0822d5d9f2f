"""The audit on units: an honest output in which the first two batches are a unit, and each way in
which it can lie."""

import hashlib
import json
from typing import Any

import pytest

from audit.chain import Batch, Chain
from audit.deletions import Deletions
from audit.judge import judge
from audit.verdict import Verdict
from tests.kit.audit_world import NOW, Kafka, World, guilty

TOMBSTONE = "tombstone tweets[1] 5"


class Units:
    """A world whose first `count` batches are a unit, with what a test makes of it."""

    def __init__(self, count: int = 2) -> None:
        self.world, self.count = World(), count
        previous = None
        for batch in self.world.batches:
            batch["manifest"]["previous"] = previous
            previous = hashlib.sha256(json.dumps(batch["manifest"]).encode()).hexdigest()
        old = [batch["manifest"] for batch in self.world.batches[:count]]
        self.files: dict[str, list[bytes]] = {}
        for batch in self.world.batches[:count]:
            for path, lines in batch["files"].items():
                self.files.setdefault(path.replace(".json.gz", ".parquet"), []).extend(lines)
        kinds = ("tweets", "deleted", "rejected")
        self.manifest: dict[str, Any] = {
            "version": 1,
            "identity": old[0]["identity"],
            "first": 0,
            "until": count,
            "revision": 0,
            "previous": None,
            "last": hashlib.sha256(json.dumps(old[-1]).encode()).hexdigest(),
            "ranges": [row for one in old for row in one["ranges"]],
            "covered": old[-1]["covered"],
            "counts": {kind: sum(one["counts"][kind] for one in old) for kind in kinds},
        }
        self.name = "units/0000000000-r0"

    def erase(self, offset: int, reason: str = TOMBSTONE) -> None:
        """Take the tweet of partition 0 out."""
        lines = self.files["tweets/part-0.parquet"]
        mark = b'"partition":0,"offset":%d,' % offset
        found = [line for line in lines if mark in line.replace(b" ", b"")]
        assert len(found) == 1
        lines.remove(found[0])
        at = {"topic": "tweets", "partition": 0, "offset": offset, "timestamp": 0}
        row = json.dumps({"kafka": at, "erased": reason}).encode()
        self.files.setdefault("erased.parquet", []).append(row)
        self.manifest["counts"]["tweets"] -= 1
        self.manifest["counts"]["erased"] = self.manifest["counts"].get("erased", 0) + 1

    def verdict(self, deletions: Deletions | None = None) -> Verdict:
        """The judge's word on the unit and the batches behind it."""
        lengths = dict.fromkeys(self.files, 100)
        files = [
            {"path": path, "bytes": 100, "records": len(lines)}
            for path, lines in self.files.items()
        ]
        data = json.dumps({**self.manifest, "files": files}).encode()
        size = len(lengths) + 1, sum(lengths.values()) + len(data)
        unit = Batch(self.name, data, size, lambda: lengths, lambda path, _: self.files[path])
        raw = [
            self.world.batch(batch, json.dumps(batch["manifest"]).encode())
            for batch in self.world.batches[self.count :]
        ]
        return judge(
            Kafka(self.world, set()),
            raw,
            chain=Chain.at_unit(data),
            units=[unit],
            deletions=deletions or Deletions(),
        )


def test_an_honest_unit_is_clean() -> None:
    verdict = Units().verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert (verdict.published, verdict.units, verdict.batches) == (14, 1, 1)


def test_an_erased_row_is_explained_by_its_tombstone_or_list() -> None:
    units = Units()
    units.erase(2)
    units.erase(3, "list 0123")
    verdict = units.verdict(Deletions({}, {"0123"}, 0))
    assert guilty(verdict) == {}, verdict.samples
    assert (verdict.published, verdict.rows["erased"]) == (12, 2)


@pytest.mark.parametrize(
    "reason", ["list 4567", "tombstone tweets[1] 6", "tombstone tweets[0] 1", "", "tombstone x"]
)
def test_a_row_that_was_erased_for_no_reason_is_lost(reason: str) -> None:
    units = Units()
    units.erase(2, reason)
    assert guilty(units.verdict(Deletions({}, {"0123"}, 0))) == {"lost": 1}


def test_a_forgotten_erasure_is_undeleted() -> None:
    """The row of the last batch is not yet in a unit, so that it may be there."""
    units = Units()
    lines = units.files["tweets/part-0.parquet"]
    lines[0] = lines[0].replace(b'"text":', b'"id":"gone","text":', 1)
    assert guilty(units.verdict(Deletions({"gone": NOW}, set(), NOW + 1))) == {"undeleted": 1}
    assert guilty(units.verdict(Deletions({"gone": NOW}, set(), NOW))) == {}


def test_a_row_that_a_unit_leaves_out_is_lost() -> None:
    units = Units()
    del units.files["tweets/part-0.parquet"][1]
    units.manifest["counts"]["tweets"] -= 1
    assert guilty(units.verdict()) == {"lost": 1}


def test_another_byte_in_a_unit_is_corruption() -> None:
    units = Units()
    lines = units.files["tweets/part-0.parquet"]
    lines[0] = lines[0].replace(b'"text":"a"}', b'"text":"b"}')
    assert guilty(units.verdict()) == {"corrupted": 1}


def test_a_row_twice_in_a_unit_is_duplicated() -> None:
    units = Units()
    lines = units.files["tweets/part-0.parquet"]
    lines.append(lines[0])
    units.manifest["counts"]["tweets"] += 1
    assert guilty(units.verdict()) == {"duplicated": 1}


@pytest.mark.parametrize(
    "lie",
    [
        {"previous": "0" * 64},
        {"last": "0" * 64},
        {"identity": "another"},
        {"until": 1},
        {"version": 2},
        {"revision": 1},
        {"counts": {"tweets": 1, "deleted": 3, "rejected": 1}},
    ],
)
def test_a_manifest_that_lies_breaks_the_chain(lie: dict[str, Any]) -> None:
    units = Units()
    units.manifest |= lie
    assert set(guilty(units.verdict())) == {"chain_errors"}


def test_retention_may_have_taken_the_first_unit() -> None:
    """What it covered is not judged, and the rest is."""
    units = Units(count=3)
    units.manifest |= {"first": 2, "previous": "0" * 64, "ranges": [("tweets", 0, 4, 10)]}
    units.name = "units/0000000002-r0"
    units.files = {
        path.replace(".json.gz", ".parquet"): list(lines)
        for path, lines in units.world.batches[2]["files"].items()
    }
    units.manifest["counts"] = units.world.batches[2]["manifest"]["counts"]
    verdict = units.verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert verdict.published == 6
