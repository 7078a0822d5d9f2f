"""What is removed when, and what a run plans; on files in memory."""

from typing import Any

import pytest
from py4j.protocol import Py4JJavaError

from config.errors import ConfigError, DataLossRisk, Fenced
from consumers.output import aside, chain, commits, compaction, removal, units
from consumers.output.compaction import Content
from consumers.output.units import Unit
from tests.kit.memory_files import Counting, MemoryFiles
from tests.kit.memory_output import OFFSETS, opened, staged
from tests.kit.memory_units import OnMemory, Partitions
from units import compactor
from units.tasks import Deletion

LATER = "2026-02-01T00:00:00.000Z"


def published(monkeypatch: pytest.MonkeyPatch, *hours: int) -> MemoryFiles:
    """An output with one batch of two records of each of these hours."""
    monkeypatch.setattr(chain, "SHARD", 3)
    files = MemoryFiles()
    output = opened(files)
    for number, hour in enumerate(hours):
        time = f"2026-01-{1 + hour // 24:02d}T{hour % 24:02d}:30:00.000Z"
        monkeypatch.setattr(commits, "now", lambda time=time: time)
        output.publish(*staged(files, output, 2 * number, 2 * number + 2))
    return files


def compacted(files: MemoryFiles, made: str, is_over: bool = False) -> list[tuple[int, int]]:
    """Compact everything that is closed; returns the units' batches."""
    own = aside.claim(files)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "now", lambda: made)
        while plan := compaction.plan(files, own.identity, lambda _: is_over):
            stage = compaction.stage(own, plan.unit)
            ranges = [row for batch in plan.batches for row in batch.ranges]
            content = Content([], {**plan.counts, "erased": 0}, offsets=ranges)
            manifest = compaction.first_revision(own, stage, plan, content)
            compaction.publish(own, stage, manifest, content)
            found.append((manifest.first, manifest.until))
    return found


def raw(files: MemoryFiles) -> list[int]:
    return sorted(int(n) for s in files.list("batches") for n in files.list(f"batches/{s}"))


def test_an_hour_is_closed_by_a_batch_of_a_later_one_or_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that goes back opens no unit again."""
    files = published(monkeypatch, 1, 1, 2, 1, 5)
    assert compacted(files, LATER) == [(0, 2), (2, 4)]
    assert compacted(files, LATER) == []
    assert compacted(files, LATER, is_over=True) == [(4, 5)]
    assert units.newest(files).ranges == [("tweets", 0, 8, 10)]  # type: ignore[union-attr]


def test_batches_go_after_the_grace_and_never_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    files = published(monkeypatch, *range(8))
    compacted(files, "2026-01-10T00:00:00.000Z")
    identity = opened(files).own.identity
    assert not list(removal.batches(files, identity, "2026-01-10T00:00:00.000Z"))
    assert sum(removal.batches(files, identity, LATER)) == 7 and raw(files) == [7]
    assert list(files.list("batches")) == ["0000002"]
    compacted(files, "2026-01-10T00:00:00.000Z", is_over=True)
    assert not list(removal.batches(files, identity, LATER)) and raw(files) == [7]
    assert opened(files).seq == 8


def test_a_start_behind_removed_batches_asks_five_questions_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Than on an empty output, however many there were: the last shard, the last manifest, what has
    been seen, the units, and the newest one's manifest."""
    empty = calls_of_a_start(MemoryFiles())
    for hours in (8, 80):
        files = published(monkeypatch, *range(hours))
        compacted(files, "2026-01-10T00:00:00.000Z")
        list(removal.batches(files, opened(files).own.identity, LATER))
        assert calls_of_a_start(files) - empty == 5, hours


def calls_of_a_start(files: MemoryFiles) -> int:
    """Of the second one here: the first may make the output, or note its length."""
    counting = Counting(files.nodes)
    opened(counting, offsets={at: (0, 10**6) for at in OFFSETS})
    counting.calls = 0
    opened(counting, offsets={at: (0, 10**6) for at in OFFSETS})
    return counting.calls


def test_a_revision_goes_after_the_grace_of_its_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    files = published(monkeypatch, 0, 1)
    compacted(files, "2026-01-05T00:00:00.000Z")
    own = aside.claim(files)
    old = units.manifest(files, Unit(0, 0))
    stage = compaction.stage(own, Unit(0, 1))
    content = Content([], {**old[0].counts, "tweets": old[0].counts["tweets"] - 1, "erased": 1})
    monkeypatch.setattr(compaction, "now", lambda: "2026-01-06T00:00:00.000Z")
    manifest = compaction.next_revision(own, stage, old, content)
    compaction.publish(own, stage, manifest, content)
    assert manifest.compacted == "2026-01-05T00:00:00.000Z"  # erasure postpones no removal
    assert units.current(files) == [Unit(0, 1)]
    assert removal.revisions(files, "2026-01-06T00:00:00.000Z") == []
    assert removal.revisions(files, LATER) == [Unit(0, 0)]
    assert units.revisions(files) == {0: [1]}


def test_units_go_after_their_days_but_not_before_their_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = published(monkeypatch, 0, 24, 48, 72)
    compacted(files, "2026-01-05T00:00:00.000Z", is_over=True)
    identity = opened(files).own.identity
    third = "2026-01-03T00:00:00.000Z"
    assert removal.old_units(files, identity, third) == []  # their batches are there
    list(removal.batches(files, identity, LATER))
    assert removal.old_units(files, identity, third) == [Unit(0, 0), Unit(1, 0)]
    assert removal.old_units(files, identity, LATER) == [Unit(2, 0)]  # the newest stays
    output = opened(files)
    assert output.seq == 4 and output.covered["tweets", 0] == [(0, 8)]


def test_batches_that_are_in_no_unit_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    files = published(monkeypatch, 0, 0, 1, 2, 3, 4, 5)
    compacted(files, LATER)
    files.delete("units/0000000005-r0")
    for seq in range(6):
        files.delete(chain.folder(seq))
    with pytest.raises(DataLossRisk, match="batch 5 is missing"):
        opened(files)
    with pytest.raises(DataLossRisk, match="batch 5 is missing"):
        compaction.plan(files, aside.claim(files).identity, lambda _: True)


@pytest.mark.parametrize(
    "lie",
    [
        {"counts": {"tweets": 1, "deleted": 0, "rejected": 0, "erased": 0}},
        {"offsets": [("tweets", 0, 0, 1)]},
        {"offsets": [("tweets", 0, 0, 2), ("tweets", 0, 0, 2)]},
        {"offsets": [("tweets", 0, 7, 9)]},
    ],
)
def test_rows_that_are_not_those_of_the_batches_are_not_published(
    lie: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = published(monkeypatch, 0, 1)
    own = aside.claim(files)
    plan = compaction.plan(files, own.identity, lambda _: False)
    assert plan
    stage = compaction.stage(own, plan.unit)
    honest = {"counts": {**plan.counts, "erased": 0}, "offsets": [("tweets", 0, 0, 2)]}
    compaction.first_revision(own, stage, plan, Content([], **honest))  # type: ignore[arg-type]
    with pytest.raises(DataLossRisk, match="not those that are published"):
        compaction.first_revision(own, stage, plan, Content([], **{**honest, **lie}))  # type: ignore[arg-type]


def test_there_is_nothing_to_compact_where_no_output_is() -> None:
    with pytest.raises(ConfigError, match="there is no output"):
        aside.claim(MemoryFiles())


def test_files_are_grouped_by_their_size() -> None:
    files = [(f"f{n}", compactor.GROUP_BYTES // 10) for n in range(25)]
    found = compactor.groups(files)
    assert [name for group in found for name in group] == [name for name, _ in files]
    assert len(found) == 3 and {len(group) for group in found} <= {8, 9}
    assert compactor.groups([("a", 1), ("b", 1)]) == [["a", "b"]]


def test_a_unit_is_looked_into_only_where_a_deletion_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = published(monkeypatch, 0, 1)
    compacted(files, LATER)
    found = units.newest(files)
    assert found
    snowflake = (1_577_836_800_000 - 1_288_834_974_657) << 22  # the first of 2020
    spans = {(1_577_836_800_000, 1_577_836_800_001): True, (0, 5): False, None: True}
    for span, wanted in spans.items():
        unit = found.__class__(**{**found.__dict__, "id_times_ms": span})
        assert compactor.may_have(unit, {str(snowflake): Deletion(0, "")}) is wanted
        assert compactor.may_have(unit, {"did:plc:abc": Deletion(0, "")})
        assert compactor.may_have(unit, {"old": Deletion(0, "")})


@pytest.mark.parametrize("is_fenced", [True, False])
def test_tasks_that_fail_under_a_newer_compactor_say_so(
    monkeypatch: pytest.MonkeyPatch, is_fenced: bool
) -> None:
    """The newer one removes the stage, and the tasks no longer find it: exit 4, not 1."""
    files = published(monkeypatch, 1, 2)
    storage: Any = OnMemory(files)

    def fail(*_: Any) -> Any:
        if is_fenced:
            aside.claim(files)
        raise Py4JJavaError.__new__(Py4JJavaError)

    monkeypatch.setattr(OnMemory, "write_parts", fail)
    monkeypatch.setattr(OnMemory, "read_groups", lambda *_: Partitions([]))
    run = compactor.Compactor(storage, aside.claim(files), lambda *_: None)
    with pytest.raises(Fenced if is_fenced else Py4JJavaError):
        run.run(1, 1, 0)
