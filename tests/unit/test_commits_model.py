"""The commit protocol under every interleaving of two and three drivers' file-system calls, with crashes, lost answers and
stragglers (tests/interleavings.py says how), and the proof that this judge convicts."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from consumers import commits, manifests
from consumers.commits import Batch, Output, Stage
from consumers.manifests import Manifest
from tests.interleavings import Actor, Interleavings, Tree
from tests.memory_files import MemoryFiles

PARTITION = ("tweets", 0)


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "uuid", SimpleNamespace())  # `driver` gives it a counter for each replay
    monkeypatch.setattr(commits, "_now", lambda: "2026-01-01T00:00:00.000Z")


def driver(name: str, size: int, batches: int = 1, output_class: Callable[..., Output] = Output) -> Actor:
    """A job that publishes so many batches of `size` offsets each, as consumers/batches.py does."""

    def run(files: Any) -> None:
        numbers = count()
        commits.uuid.uuid4 = lambda: f"{name}{next(numbers)}"  # type: ignore[attr-defined]
        output = output_class(files, name, "no scorer")
        output.begin({"tweets": "id"}, {PARTITION: (0, 1000)})
        for _ in range(batches):
            stage = output.stage()
            start = manifests.frontier(output.covered[PARTITION])
            data = records(start, start + size)
            try:
                files.create_in_folder(f"{stage.parts}/tweets-00000-1.json.gz", data)
            except FileNotFoundError as error:
                raise (output.lost() if output.fenced() else error) from None
            file = {"kind": "tweets", "name": "tweets-00000-1.json.gz", "bytes": len(data), "records": size}
            output.publish(stage, Batch([(*PARTITION, start, start + size)], {"tweets": size}, [file]))

    return run


def straggler(files: Any) -> None:
    """A task that driver a, if it was the first, has given up: it writes whenever it likes, and makes its folder anew."""
    with suppress(FileNotFoundError):
        files.create("_staging/1/0000000000-a0.parts/tweets-00000-0.json.gz", b"late")


def records(start: int, until: int) -> bytes:
    return repr(list(range(start, until))).encode()


def judge(before: Tree, after: Tree) -> str:
    """What is wrong with what a reader finds after this step, or with what a driver makes of it that starts now."""
    changed = sorted(name for name, _ in _published(before) - _published(after))
    if changed:
        return f"published and then changed: {changed}"
    return fault_in(MemoryFiles(dict(after))) or _restart_fault(MemoryFiles(dict(after)))


def somebody_gets_on(_tree: Tree, ends: tuple[str, ...]) -> str:
    """Somebody has published all that it had, and the others know that they are fenced."""
    return "" if "done" in ends and set(ends) <= {"done", "Fenced"} else f"the actors ended with {ends}"


def the_newest_gets_on(tree: Tree, ends: tuple[str, ...]) -> str:
    """As above, and it is the driver of the last epoch that has published."""
    epochs = {int(name.rpartition("/")[2]): who for name, who in tree if who and name.startswith("_epochs/")}
    newest = "abc".index(json.loads(epochs[max(epochs)])["approach"])
    return somebody_gets_on(tree, ends) or ("" if ends[newest] == "done" else f"the newest, actor {newest}, is fenced off")


def _published(tree: Tree) -> Tree:
    return frozenset(node for node in tree if node[0].startswith("batches/"))


def _restart_fault(files: MemoryFiles) -> str:
    before = len(files.list("batches"))
    driver("fresh", 5)(files)
    fault = fault_in(files)
    if not fault and len(files.list("batches")) != before + 1:
        fault = "nothing is published"
    return f"by a driver that starts now: {fault}" if fault else ""


def fault_in(files: MemoryFiles) -> str:
    """What is wrong with the published batches: density, chain, offsets, files."""
    previous, covered = None, {PARTITION: [(0, 0)]}
    for seq, folder in enumerate(sorted(files.list("batches"))):
        path = f"batches/{folder}"
        if folder != f"{seq:010d}":
            return f"batch {seq} is missing"
        if not files.exists(f"{path}/_manifest.json"):
            return f"{path} has no manifest"
        data = files.read(f"{path}/_manifest.json")
        manifest = Manifest.from_bytes(data)
        if manifest.seq != seq or manifest.previous != previous:
            return f"the chain breaks at {path}"
        if manifest.ranges[0][2] != manifests.frontier(covered[PARTITION]):
            return f"{path} repeats or skips offsets: {manifest.ranges} where {covered} was published"
        covered = manifests.cover(covered, manifest.ranges)
        if manifest.covered != covered:
            return f"{path} says that {manifest.covered} is covered, it is {covered}"
        if fault := _files_fault(files, path, manifest):
            return fault
        previous = manifests.digest(data)
    return ""


def _files_fault(files: MemoryFiles, path: str, manifest: Manifest) -> str:
    found = {name.removeprefix(f"{path}/"): node for name, node in files.nodes.items() if node and name.startswith(f"{path}/")}
    del found["_manifest.json"]
    if {name: len(node) for name, node in found.items()} != {file["path"]: file["bytes"] for file in manifest.files}:
        return f"{path} holds {sorted(found)}, its manifest lists {manifest.files}"
    return "" if b"".join(found.values()) == records(*manifest.ranges[0][2:]) else f"{path} holds the records of another range"


def explore(*actors: Actor, losses: int = 0, files: type[MemoryFiles] = MemoryFiles) -> set[tuple[str, ...]]:
    return Interleavings(list(actors), judge, the_newest_gets_on, losses, files).explore()


def test_two_drivers() -> None:
    """A crash of the one at every call, followed by the other, is among these."""
    ends = explore(driver("a", 2, batches=2), driver("b", 3, batches=2))
    assert ends == {("done", "done"), ("Fenced", "done"), ("done", "Fenced")}


def test_an_answer_is_lost() -> None:
    explore(driver("a", 2), driver("b", 3), losses=1)


def test_two_answers_are_lost_by_a_driver_alone() -> None:
    assert explore(driver("a", 2, batches=2), losses=2) == {("done",)}


def test_a_straggling_task() -> None:
    explore(driver("a", 2, batches=2), driver("b", 3), straggler)


def test_a_driver_that_takes_a_newer_one_s_fence_away() -> None:
    """a is about to stage and b to fence it off, when c fences both off; then b goes on, and a can stage again. So the number
    of the batch decides: the newest may lose, but then it knows why."""
    actors = [driver("a", 2), driver("b", 3, batches=0), driver("c", 4)]
    ends = Interleavings(actors, judge, somebody_gets_on).explore(begin=[0] * 8 + [1] * 5)
    assert ("done", "done", "Fenced") in ends


class NestingFiles(MemoryFiles):
    """The old rename: into a folder that is there."""

    def rename(self, source: str, target: str) -> None:
        super().rename(source, f"{target}/{source.rpartition('/')[2]}" if target in self.nodes else target)


class OverwritingFiles(MemoryFiles):
    """A rename that replaces what is there."""

    def rename(self, source: str, target: str) -> None:
        if source in self.nodes and target in self.nodes:
            self.delete(target)
        super().rename(source, target)


@pytest.mark.parametrize("files", [NestingFiles, OverwritingFiles])
def test_another_rename_is_convicted(files: type[MemoryFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Output, "_fence_predecessors", lambda _self: None)  # the number of the batch is the only wall left
    with pytest.raises(AssertionError, match="batches/0000000000"):
        explore(driver("a", 2), driver("b", 3), files=files)


class ReadsBeforeItFences(Output):
    """Takes the last manifest for the last before the others are fenced off."""

    def _claim_epoch(self) -> int:
        self.too_early = self._last()
        return super()._claim_epoch()

    def _last(self) -> Any:
        return self.__dict__.get("too_early") or super()._last()


class NoTombstone(Output):
    """Takes the staging of the others away, but leaves nothing in its place."""

    def _fence(self, staging: str) -> None:
        self.files.delete(staging)


class MakesItsStageAnew(Output):
    """Creates the manifest where the stage ought to be, and with it the stage."""

    def _move(self, stage: Stage, name: str, path: str) -> None:
        if name != "_manifest.json":
            return super()._move(stage, name, path)
        data = self.files.read(f"{stage.parts}/{name}")
        return self.files.create(f"{stage.folder}/{path}", data)


@pytest.mark.parametrize(
    ("seeded", "fault"),
    [
        (ReadsBeforeItFences, "is fenced off"),
        (NoTombstone, "is fenced off"),
        (MakesItsStageAnew, "its manifest lists"),
    ],
)
def test_a_seeded_bug_is_convicted(seeded: Callable[..., Output], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        explore(driver("a", 2, output_class=seeded), driver("b", 3, output_class=seeded))
