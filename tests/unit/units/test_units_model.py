"""Compactor, eraser and remover beside a job, under every interleaving of their file-system calls,
with crashes and lost answers; and the proof that this judge convicts."""

import json
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from config.errors import DataLossRisk
from consumers.output import aside, chain, commits, compaction, manifests, ownership, units
from tests.kit.interleavings import Actor, Interleavings, Tree
from tests.kit.memory_files import MemoryFiles
from tests.kit.unit_actors import NOW, both, compactor, eraser, reader, remover
from tests.unit.consumers.test_commits_model import (
    PARTITION,
    OverwritingFiles,
    Unfenced,
    driver,
    made,
    records,
)
from units import reading


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = SimpleNamespace()
    for module in (commits, compaction, ownership):
        monkeypatch.setattr(module, "uuid", numbers)
        monkeypatch.setattr(module, "now", lambda: NOW)
    monkeypatch.setattr(chain, "SHARD", 2)
    seen.cache_clear()


def begun(batches: int, compacted: bool = False) -> Tree:
    """An output with this number of batches of two records each."""
    files = MemoryFiles(dict(made()))
    driver("first", 2, batches=batches)(files)
    if compacted:
        compactor("early")(files)
    return frozenset(files.nodes.items())


@cache
def seen(tree: Tree) -> tuple[frozenset[int], str]:
    """The offsets that a reader sees, those that were erased included; and what is wrong with
    them."""
    files = MemoryFiles(dict(tree))
    found: list[int] = []
    until, digest = 0, None
    for unit in units.current(files):
        manifest, _ = units.manifest(files, unit)
        if (manifest.first, manifest.previous) != (until, digest):
            return frozenset(found), f"the chain breaks at {unit.folder}"
        until, digest = manifest.until, manifest.last
        for file in manifest.files:
            found += json.loads(files.read(f"{unit.folder}/{file['path']}"))
        if sorted(found) != list(range(manifests.frontier(manifest.covered[PARTITION]))):
            return frozenset(found), f"{unit.folder} does not hold what it says: {found}"
    for seq in _raw(files, until):
        manifest, data = chain.manifest(files, seq)  # type: ignore[assignment]
        if (manifest.seq, manifest.previous) != (until, digest):  # type: ignore[attr-defined]
            return frozenset(found), f"the chain breaks at batch {seq}"
        until, digest = seq + 1, manifests.digest(data)
        for file in manifest.files:
            found += json.loads(files.read(f"{chain.folder(seq)}/{file['path']}"))
    twice = sorted({offset for offset in found if found.count(offset) > 1})
    return frozenset(found), f"seen twice: {twice}" if twice else ""


def _raw(files: MemoryFiles, first: int) -> Iterator[int]:
    names = [name for shard in files.list("batches") for name in files.list(f"batches/{shard}")]
    yield from (seq for seq in sorted(map(int, names)) if seq >= first)


def judge(before: Tree, after: Tree) -> str:
    """What a reader sees never becomes less; a job that starts now continues behind it."""
    (had, _), (has, fault) = seen(before), seen(after)
    if fault or had - has:
        return fault or f"no longer seen: {sorted(had - has)}"
    files = MemoryFiles(dict(after))
    kept = {name: node for name, node in after if name.startswith("units/") and node}
    if any(
        kept.get(name, node) != node for name, node in before if name.startswith("units/") and node
    ):
        return "a published unit has changed"
    driver("fresh", 1)(files)
    now, fault = seen(frozenset(files.nodes.items()))
    return fault or (
        "" if now == has | {len(has)} else f"a start after {sorted(has)} gives {sorted(now)}"
    )


def all_end(_tree: Tree, ends: tuple[str, ...]) -> str:
    return "" if set(ends) <= {"done", "Fenced"} and "done" in ends else f"they ended with {ends}"


def explore(
    *actors: Actor, begin: Tree, losses: int = 0, files: type[MemoryFiles] = MemoryFiles
) -> set[tuple[str, ...]]:
    return Interleavings(list(actors), judge, all_end, losses, files, begin).explore()


def test_two_compactors() -> None:
    ends = explore(compactor("a"), compactor("b"), begin=begun(3))
    assert {("done", "done"), ("Fenced", "done"), ("done", "Fenced")} <= ends


def test_a_compactor_and_a_job() -> None:
    explore(compactor("a"), driver("job", 1), begin=begun(2))


def test_a_remover_and_a_job_that_starts() -> None:
    ends = explore(remover, driver("job", 1), begin=begun(5, compacted=True))
    assert ends == {("done", "done")}


def test_a_remover_and_a_compactor_of_what_comes_next() -> None:
    files = MemoryFiles(dict(begun(3, compacted=True)))
    driver("more", 2, batches=2)(files)
    explore(remover, compactor("a"), begin=frozenset(files.nodes.items()))


def test_an_eraser_and_a_remover() -> None:
    explore(eraser("e"), remover, begin=begun(3, compacted=True))


def test_a_reader_while_batches_become_a_unit_and_go() -> None:
    ends = explore(both(compactor("a"), remover), reader(4), begin=begun(2))
    assert ends == {("done", "done")}


def test_a_reader_that_does_not_notice_a_gap_is_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_expect", lambda *_: None)
    with pytest.raises(AssertionError, match="'done', 'AssertionError'"):
        explore(both(compactor("a"), remover), reader(6), begin=begun(3))


def test_two_erasers() -> None:
    explore(eraser("e"), eraser("f"), begin=begun(1, compacted=True))


def test_an_answer_is_lost_by_each_of_them() -> None:
    for actor in (compactor("a"), remover):
        explore(actor, begin=begun(3, compacted=actor is remover), losses=2)
    explore(eraser("e"), begin=begun(3, compacted=True), losses=2)


def hasty(files: Any) -> None:
    """Removes the batches when the unit is staged, before it is published."""

    class RemovesFirst(aside.Ownership):
        def holds(self) -> bool:
            for seq in _raw(files, 0):
                files.delete(chain.folder(seq))
            return super().holds()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "Ownership", RemovesFirst)
        compactor("a")(files)


def skips_a_summary(files: Any) -> None:
    """Leaves out what one task wrote, and does not compare the counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "check", lambda *_: None)
        patch.setattr(compaction, "_size", lambda _ranges: 6)
        compactor("a", lambda start, until: records(start, until - 1))(files)


def takes_the_newest(files: Any) -> None:
    """Removes the newest batch with the others."""
    for seq in _raw(files, 0):
        files.delete(chain.folder(seq))


def takes_the_middle_first(files: Any) -> None:
    """Removes in another order."""
    files.delete(chain.folder(1))
    files.delete(chain.folder(0))


@pytest.mark.parametrize(
    ("seeded", "compacted", "fault"),
    [
        (hasty, False, "the chain breaks"),
        (skips_a_summary, False, "does not hold what it says"),
    ],
)
def test_a_seeded_bug_is_convicted(seeded: Actor, compacted: bool, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        explore(seeded, begin=begun(3, compacted))


@pytest.mark.parametrize("seeded", [takes_the_newest, takes_the_middle_first])
def test_a_remover_in_another_order_is_refused_by_the_next_start(seeded: Actor) -> None:
    with pytest.raises(DataLossRisk, match="batch . is missing"):
        explore(seeded, begin=begun(5, compacted=True))


def test_a_rename_that_overwrites_is_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    # the number of the unit's first batch is the only wall left
    monkeypatch.setattr(aside, "Ownership", Unfenced)
    with pytest.raises(AssertionError, match="a published unit has changed"):
        explore(compactor("a"), compactor("b"), begin=begun(2), files=OverwritingFiles)


def test_without_the_fence_the_rename_is_wall_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "Ownership", Unfenced)
    explore(compactor("a"), compactor("b"), begin=begun(2))
