"""The commit protocol under every interleaving of two and three drivers' file-system calls, with
crashes, lost answers and stragglers (tests/kit/interleavings.py says how), and the proof that this
judge convicts."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from config.errors import DataLossRisk
from consumers.output import chain, commits, manifests, ownership
from consumers.output.commits import Batch, Output, Stage
from consumers.output.manifests import Manifest
from consumers.output.ownership import Ownership
from tests.kit.interleavings import Actor, Interleavings, Tree
from tests.kit.memory_files import AWAY, MemoryFiles

PARTITION = ("tweets", 0)


@pytest.fixture(autouse=True)
def _repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = SimpleNamespace()  # `driver` gives it a counter for each replay
    for module in (commits, ownership):
        monkeypatch.setattr(module, "uuid", numbers)
        monkeypatch.setattr(module, "now", lambda: "2026-01-01T00:00:00.000Z")
    monkeypatch.setattr(chain, "SHARD", 2)
    _fault_of.cache_clear()


class Name(str):
    """A uuid of the model."""

    @property
    def hex(self) -> str:
        return str(self)


def taken_over(files: Any, name: str, output: type[Output] = Output) -> Output:
    """The output of a driver that starts."""
    own = commits.Ownership.claim(files, name)  # where a test puts another class
    return output.take_over(own, "no scorer", {"tweets": "id"}, {PARTITION: (0, 1000)})


def driver(
    name: str, size: int, batches: int = 1, take_over: Callable[[Any, str], Output] = taken_over
) -> Actor:
    """A job that publishes this number of batches of `size` offsets each, as
    consumers/driver/driver.py does."""

    def run(files: Any) -> None:
        numbers = count()
        commits.uuid.uuid4 = lambda: Name(f"{name}{next(numbers)}")  # type: ignore[attr-defined]
        output = take_over(files, name)
        for _ in range(batches):
            stage = output.stage()
            start = manifests.frontier(output.covered[PARTITION])
            data = records(start, start + size)
            try:
                files.create_in_folder(f"{stage.parts}/tweets-00000-1.json.gz", data)
            except FileNotFoundError as error:
                raise (error if Ownership.holds(output.own) else output.own.lost()) from None
            file = {
                "kind": "tweets",
                "name": "tweets-00000-1.json.gz",
                "bytes": len(data),
                "records": size,
            }
            output.publish(
                stage, Batch([(*PARTITION, start, start + size)], {"tweets": size}, [file])
            )

    return run


def straggler(files: Any) -> None:
    """A task that driver a, if it was the first, has given up: it writes whenever it likes, and
    makes its folder again."""
    with suppress(FileNotFoundError, FileExistsError):
        files.create_and_folders(
            "_staging/0000000001-a0/0000000000-a1.parts/tweets-00000-0.json.gz", b"late"
        )


def operator(*deeds: str) -> Actor:
    """An operator moves the output away, copies it back or deletes it, at any step."""

    def run(files: Any) -> None:
        for deed in deeds:
            getattr(files, deed)()

    return run


def made() -> Tree:
    """An output that is made, and has no driver yet."""
    files = MemoryFiles()
    commits.uuid.uuid4 = lambda: Name("the-output")  # type: ignore[attr-defined]
    ownership.make(files, "maker")
    return frozenset(files.nodes.items())


def records(start: int, until: int) -> bytes:
    return repr(list(range(start, until))).encode()


def judge(before: Tree, after: Tree) -> str:
    """What is wrong with what a reader finds after this step, or with what a driver makes of it
    that starts now."""
    changed = sorted(name for name, _ in _published(before) - _published(after))
    if changed:
        return f"published and then changed: {changed}"
    return judge_places(before, after)


def judge_places(_before: Tree, after: Tree) -> str:
    """As above where an operator may move what is published: the output's own place, and where it
    is moved to."""
    return _fault_of(after)


@cache
def _fault_of(after: Tree) -> str:
    moved = {name.removeprefix(f"{AWAY}/"): data for name, data in after if name.startswith(AWAY)}
    fault = fault_in(MemoryFiles(dict(after))) or fault_in(MemoryFiles(moved))
    return fault or _restart_fault(MemoryFiles(dict(after)))


def somebody_gets_on(_tree: Tree, ends: tuple[str, ...]) -> str:
    """A driver has published all that it had, and the others know that they are fenced."""
    return (
        ""
        if "done" in ends and set(ends) <= {"done", "Fenced"}
        else f"the actors ended with {ends}"
    )


def the_newest_gets_on(tree: Tree, ends: tuple[str, ...]) -> str:
    """As above, and it is the driver of the last epoch that has published."""
    epochs = {name: who for name, who in tree if who and name.startswith("_epochs/")}
    newest = "abc".index(json.loads(epochs[max(epochs)])["approach"])
    return somebody_gets_on(tree, ends) or (
        "" if ends[newest] == "done" else f"the newest, actor {newest}, is fenced off"
    )


def each_knows_why(_tree: Tree, ends: tuple[str, ...]) -> str:
    """Each driver that has not published all that it had ends with one of our own errors."""
    return (
        "" if set(ends) <= {"done", "Fenced", "DataLossRisk"} else f"the actors ended with {ends}"
    )


def _published(tree: Tree) -> Tree:
    return frozenset((name, data) for name, data in tree if name.startswith("batches/") and data)


def _restart_fault(files: MemoryFiles) -> str:
    before = len(_batches(files))
    driver("fresh", 5)(files)
    fault = fault_in(files)
    if not fault and len(_batches(files)) != before + 1:
        fault = "nothing is published"
    return f"by a driver that starts now: {fault}" if fault else ""


def _batches(files: MemoryFiles) -> list[str]:
    return [
        f"{shard}/{name}"
        for shard in sorted(files.list("batches"))
        for name in sorted(files.list(f"batches/{shard}"))
    ]


def fault_in(files: MemoryFiles) -> str:
    """What is wrong with the published batches: density, chain, identity, offsets, files."""
    previous, covered = None, {PARTITION: [(0, 0)]}
    for seq, folder in enumerate(_batches(files)):
        path = f"batches/{folder}"
        if path != chain.folder(seq):
            return f"batch {seq} is missing"
        if not files.exists(f"{path}/_manifest.json"):
            return f"{path} has no manifest"
        data = files.read(f"{path}/_manifest.json")
        manifest = Manifest.from_bytes(data)
        if manifest.seq != seq or manifest.previous != previous:
            return f"the chain breaks at {path}"
        if manifest.identity != json.loads(files.read("_identity.json"))["identity"]:
            return f"{path} is of another output: {manifest.identity}"
        if manifest.ranges[0][2] != manifests.frontier(covered[PARTITION]):
            return (
                f"{path} repeats or skips offsets: {manifest.ranges} where {covered} was published"
            )
        covered = manifests.cover(covered, manifest.ranges)
        if manifest.covered != covered:
            return f"{path} says that {manifest.covered} is covered, it is {covered}"
        if fault := _files_fault(files, path, manifest):
            return fault
        previous = manifests.digest(data)
    return ""


def _files_fault(files: MemoryFiles, path: str, manifest: Manifest) -> str:
    found = {
        name.removeprefix(f"{path}/"): node
        for name, node in files.nodes.items()
        if node and name.startswith(f"{path}/")
    }
    del found["_manifest.json"]
    if {name: len(node) for name, node in found.items()} != {
        file["path"]: file["bytes"] for file in manifest.files
    }:
        return f"{path} holds {sorted(found)}, its manifest lists {manifest.files}"
    return (
        ""
        if b"".join(found.values()) == records(*manifest.ranges[0][2:])
        else f"{path} holds the records of another range"
    )


def explore(
    *actors: Actor, losses: int = 0, files: type[MemoryFiles] = MemoryFiles
) -> set[tuple[str, ...]]:
    return Interleavings(list(actors), judge, the_newest_gets_on, losses, files, made()).explore()


def explore_with_operator(*actors: Actor, begin: int = 0) -> set[tuple[str, ...]]:
    """The first actor makes this number of calls before anything else happens."""
    return Interleavings(list(actors), judge_places, each_knows_why, begin=made()).explore(
        [0] * begin
    )


def test_two_drivers_make_the_output() -> None:
    drivers = [driver("a", 2), driver("b", 3)]
    assert ("done", "done") in Interleavings(drivers, judge, the_newest_gets_on).explore()


def test_two_drivers() -> None:
    """A crash of the one at every call, followed by the other, is among these."""
    ends = explore(driver("a", 2, batches=2), driver("b", 3, batches=2))
    assert ends == {("done", "done"), ("Fenced", "done"), ("done", "Fenced")}


def test_an_answer_is_lost() -> None:
    explore(driver("a", 2), driver("b", 3), losses=1)


def test_two_answers_are_lost_by_a_driver_alone() -> None:
    assert explore(driver("a", 2, batches=3), losses=2) == {("done",)}


def test_a_straggling_task() -> None:
    explore(driver("a", 2, batches=2), driver("b", 3), straggler)


def test_three_drivers() -> None:
    """a is about to publish when b and c start: b may take c's claim for its own staging's end, and
    c takes both away."""
    actors = [driver("a", 2), driver("b", 3, batches=0), driver("c", 4)]
    ends = Interleavings(actors, judge, the_newest_gets_on, begin=made()).explore(
        begin=[0] * 14 + [1]
    )
    assert ("done", "done", "done") in ends and ("Fenced", "Fenced", "done") in ends


def test_the_output_is_moved_away_and_another_driver_starts_in_its_place() -> None:
    ends = explore_with_operator(driver("a", 2, batches=2), operator("move_away"), driver("b", 8))
    assert {
        ("done", "done", "done"),
        ("DataLossRisk", "done", "done"),
        ("Fenced", "done", "done"),
    } <= ends, ends


def test_the_output_is_moved_away_and_copied_back() -> None:
    ends = explore_with_operator(
        driver("a", 2, batches=2), operator("move_away", "copy_back"), driver("b", 8), begin=14
    )
    assert {("DataLossRisk", "done", "done"), ("Fenced", "done", "done")} <= ends, ends


def test_the_output_is_deleted_and_another_driver_makes_one() -> None:
    ends = explore_with_operator(driver("a", 2, batches=2), operator("delete_all"), driver("b", 8))
    assert {("DataLossRisk", "done", "done"), ("DataLossRisk", "done", "DataLossRisk")} <= ends, (
        ends
    )


class NestingFiles(MemoryFiles):
    """The old rename: into a folder that is there."""

    def rename(self, source: str, target: str) -> None:
        super().rename(
            source, f"{target}/{source.rpartition('/')[2]}" if target in self.nodes else target
        )


class OverwritingFiles(MemoryFiles):
    """A rename that replaces what is there."""

    def rename(self, source: str, target: str) -> None:
        if source in self.nodes and target in self.nodes:
            self.delete(target)
        super().rename(source, target)


class Unfenced(Ownership):
    """Neither takes anything away from older drivers nor asks whether there are newer ones."""

    def _fence(self, _taken: list[int]) -> None:
        pass

    @staticmethod
    def _claims(files: Any, epoch: int) -> dict[str, int]:
        found = Ownership._claims(files, epoch)
        return {name: inode for name, inode in found.items() if int(name) == epoch}


@pytest.mark.parametrize("files", [NestingFiles, OverwritingFiles])
def test_another_rename_is_convicted(
    files: type[MemoryFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the number of the batch is the only wall left
    monkeypatch.setattr(commits, "Ownership", Unfenced)
    with pytest.raises(AssertionError, match="batches/0000000/0000000000"):
        explore(driver("a", 2), driver("b", 3), files=files)


def reads_before_it_fences(files: Any, name: str) -> Output:
    """Takes the last manifest for the last before the others are fenced off."""
    too_early = chain.tip(files, "the-output")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "tip", lambda _files, _identity: too_early)
        return taken_over(files, name)


class AsksNobody(Output):
    """Publishes without asking whether the output is still its own."""

    def publish(self, stage: Stage, batch: Batch) -> Manifest:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.own, "holds", lambda: True)
            return super().publish(stage, batch)


class MakesItsStageAgain(AsksNobody):
    """And creates the manifest where the stage ought to be, and with it the stage."""

    def _move(self, stage: Stage, name: str, path: str) -> None:
        if name != "_manifest.json":
            return super()._move(stage, name, path)
        data = self.files.read(f"{stage.parts}/{name}")
        return self.files.create_and_folders(f"{stage.folder}/{path}", data)  # type: ignore[attr-defined]


class LooksForGreaterNumbers(Ownership):
    """As version 1 did: any output that has no newer epoch is its own, and a stage is made with all
    folders above it."""

    def holds(self) -> bool:
        return max(self._claims(self.files, self.epoch), default="") <= ownership._name(self.epoch)

    def lost(self) -> Any:
        return DataLossRisk("the staged batch is gone, though no newer driver has started")


class StagesAnywhere(Output):
    """As above."""

    def stage(self) -> Stage:
        self.own.staging = f"_staging/{ownership._name(self.own.epoch)}"
        self.files.mkdirs(self.own.staging)
        return super().stage()


@pytest.mark.parametrize(
    ("seeded", "fault"),
    [
        (reads_before_it_fences, "is fenced off"),
        (partial(taken_over, output=MakesItsStageAgain), "its manifest lists"),
    ],
)
def test_a_seeded_bug_is_convicted(seeded: Callable[[Any, str], Output], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        explore(driver("a", 2, take_over=seeded), driver("b", 3, take_over=seeded))


def test_a_driver_that_asks_nobody_is_convicted() -> None:
    """Its task has made the folder again that the newer driver took away."""
    with pytest.raises(AssertionError, match="is fenced off"):
        explore(
            driver("a", 2, take_over=partial(taken_over, output=AsksNobody)),
            driver("b", 3),
            straggler,
        )


def test_version_1_s_ownership_is_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved away under a, and b begins with the same epoch: both publish, a what b has published,
    behind a gap or not."""
    monkeypatch.setattr(commits, "Ownership", LooksForGreaterNumbers)
    version_1 = partial(taken_over, output=StagesAnywhere)
    actors = [driver(name, size, 2, version_1) for name, size in (("a", 2), ("b", 8))]
    with pytest.raises(AssertionError, match="is missing|repeats or skips|of another output"):
        explore_with_operator(actors[0], operator("move_away"), actors[1])
