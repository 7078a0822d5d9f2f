"""The commit protocol step by step, on HDFS in memory; tests/unit/test_commits_model.py tries every order of the steps."""

from collections.abc import Callable
from typing import Any

import pytest

from config.errors import ConfigError, DataLossRisk, Fenced
from consumers import manifests
from consumers.commits import Batch, Output, Stage
from consumers.manifests import Manifest
from tests.memory_files import MemoryFiles

TOPICS, OFFSETS = {"tweets": "id-1"}, {("tweets", 0): (0, 1000), ("tweets", 1): (0, 1000)}


def opened(files: MemoryFiles, approach: str = "direct") -> Output:
    output = Output(files, approach, "vader")
    output.begin(TOPICS, OFFSETS)
    return output


def staged(files: MemoryFiles, output: Output, start: int = 0, until: int = 2) -> tuple[Stage, Batch]:
    """A stage whose one task has written its file."""
    stage = output.stage()
    files.create_in_folder(f"{stage.parts}/tweets-00000-7.json.gz", b"lines")
    file = {"kind": "tweets", "name": "tweets-00000-7.json.gz", "bytes": 5, "records": until - start}
    return stage, Batch([("tweets", 0, start, until)], {"tweets": until - start}, [file])


def published(files: MemoryFiles, seq: int) -> tuple[Manifest, bytes]:
    data = files.read(f"batches/{seq:010d}/_manifest.json")
    return Manifest.from_bytes(data), data


def below(files: MemoryFiles, folder: str) -> set[str]:
    return {name.removeprefix(f"{folder}/") for name, data in files.nodes.items() if data and name.startswith(f"{folder}/")}


def test_batches_are_dense_and_chained() -> None:
    files = MemoryFiles()
    for approach in ("direct", "receiver_based", "direct"):  # either job goes on where the other was
        output = opened(files, approach)
        for _ in range(2):
            start = manifests.frontier(output.covered["tweets", 0])
            output.publish(*staged(files, output, start, start + 2))
    assert sorted(files.list("batches")) == [f"{seq:010d}" for seq in range(6)]
    previous = None
    for seq in range(6):
        manifest, data = published(files, seq)
        assert (manifest.seq, manifest.previous) == (seq, previous)
        assert manifest.epoch == seq // 2 + 1
        assert manifest.covered == {("tweets", 0): [(0, 2 * seq + 2)], ("tweets", 1): [(0, 0)]}
        assert manifest.topics == TOPICS
        previous = manifests.digest(data)


def test_losing_attempts_stay_out_of_what_is_published() -> None:
    files = MemoryFiles()
    output = opened(files)
    stage, batch = staged(files, output)
    files.create_in_folder(f"{stage.parts}/tweets-00000-6.json.gz", b"an attempt that failed")
    manifest = output.publish(stage, batch)
    files.create(f"{stage.parts}/tweets-00000-8.json.gz", b"an attempt that nobody waits for any more")
    assert below(files, "batches/0000000000") == {"_manifest.json", "tweets/part-00000-7.json.gz"}
    assert manifest.files == [{"path": "tweets/part-00000-7.json.gz", "bytes": 5, "records": 2}]
    opened(files)
    assert files.nodes["_staging/1"] == b"fenced\n"


def test_epochs_count_up_and_fence_every_older_one() -> None:
    files = MemoryFiles()
    outputs = [opened(files) for _ in range(3)]
    assert [output.epoch for output in outputs] == [1, 2, 3]
    assert [output.fenced() for output in outputs] == [True, True, False]
    assert files.list("_staging") == {"1": False, "2": False}


def test_an_epoch_that_another_takes_at_the_same_moment() -> None:
    class Racing(MemoryFiles):
        def list(self, name: str) -> dict[str, bool]:
            found = super().list(name)
            if name == "_epochs" and not found:
                self.create("_epochs/1", b"the other one")
            return found

    assert Output(Racing(), "direct", "vader").epoch == 2


def test_a_fence_that_another_takes_away_while_it_is_made() -> None:
    """Two that fence the same predecessor: the file that one of them is writing is deleted by the other."""

    class TakenAway(MemoryFiles):
        taken = False

        def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
            if name == "_staging/1" and not self.taken:
                self.taken = True
                raise FileNotFoundError(name)
            super().create(name, data, overwrite)

    files = TakenAway()
    opened(files)
    opened(files)
    assert files.taken and files.list("_staging") == {"1": False}


def test_the_last_batch_is_found_in_a_few_calls() -> None:
    class Counting(MemoryFiles):
        calls = 0

        def list(self, name: str) -> dict[str, bool]:
            assert name != "batches", "a listing is as long as the output is old"
            return super().list(name)

        def exists(self, name: str) -> bool:
            self.calls += 1
            return super().exists(name)

        def read(self, name: str) -> bytes:
            self.calls += 1
            return super().read(name)

        def first_after(self, folder: str, name: str) -> str | None:
            self.calls += 1
            return super().first_after(folder, name)

    files = Counting()
    output = opened(files)
    batches = 0
    for wanted in (1, 2, 3, 7, 8, 9, 100, 1000):
        while batches < wanted:
            output.publish(output.stage(), Batch([("tweets", 0, batches, batches + 1)], {"tweets": 1}))
            batches += 1
        files.calls = 0
        output = Output(files, "direct", "vader")
        assert output.seq == wanted
        assert files.calls <= 2 * wanted.bit_length() + 6


@pytest.mark.parametrize(
    ("topics", "offsets", "error", "said"),
    [
        ({"tweets": "id-2"}, OFFSETS, DataLossRisk, "its id was id-1 and is id-2"),
        (TOPICS, {("tweets", 0): (5, 1000), ("tweets", 1): (0, 9)}, DataLossRisk, r"deleted 3 records .*tweets\[0\] \[2, 5\)"),
        (TOPICS, {("tweets", 0): (0, 1), ("tweets", 1): (0, 9)}, DataLossRisk, r"Kafka ends at 1.*tweets\[0\] \[1, 2\)"),
        (TOPICS, {("tweets", 1): (0, 9)}, DataLossRisk, r"the partition is gone from Kafka at tweets\[0\]"),
        (
            TOPICS,
            {**OFFSETS, ("tweets", 2): (4, 9)},
            DataLossRisk,
            r"deleted 4 records .*tweets\[2\] \[0, 4\)",
        ),  # added while away
        ({"other": "id-9"}, {("other", 0): (0, 9)}, ConfigError, "belongs to tweets, this job reads other"),
    ],
)
def test_begin_refuses(topics: dict[str, str], offsets: dict[Any, Any], error: type[Exception], said: str) -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    with pytest.raises(error, match=said):
        Output(files, "direct", "vader").begin(topics, offsets)
    assert len(files.list("batches")) == 1


def test_begin_takes_what_has_grown() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    output = Output(files, "direct", "vader")
    output.begin(
        TOPICS | {"more": "id-3"}, {("tweets", 0): (2, 2), ("tweets", 1): (0, 9), ("tweets", 2): (0, 9), ("more", 0): (4, 9)}
    )
    assert manifests.frontiers(output.covered) == {("tweets", 0): 2, ("tweets", 1): 0, ("tweets", 2): 0, ("more", 0): 4}


def test_an_accepted_loss_is_a_batch_of_its_own() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    output = Output(files, "direct", "vader")
    output.begin(TOPICS, {("tweets", 0): (5, 1000), ("tweets", 1): (0, 9)}, accept_loss="ada: disk was full")
    manifest, _ = published(files, 1)
    assert (manifest.accepted_loss, manifest.ranges, manifest.files) == ("ada: disk was full", [("tweets", 0, 2, 5)], [])
    assert output.covered == manifest.covered == {("tweets", 0): [(0, 5)], ("tweets", 1): [(0, 0)]}


class LosesAnswers(MemoryFiles):
    """The next call of `verb` on a name with `part` in it is done, but its answer never comes: the client repeats it."""

    verb = part = ""

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        self._twice("create", name, lambda: MemoryFiles.create(self, name, data, overwrite))

    def rename(self, source: str, target: str) -> None:
        self._twice("rename", target, lambda: MemoryFiles.rename(self, source, target))

    def _twice(self, verb: str, name: str, call: Callable[[], None]) -> None:
        if verb == self.verb and self.part in name:
            self.verb = ""
            call()
        call()


@pytest.mark.parametrize(
    ("verb", "part"), [("rename", "batches/"), ("rename", "/tweets/"), ("rename", "_manifest.json"), ("create", "_manifest.json")]
)
def test_a_lost_answer_is_recognised(verb: str, part: str) -> None:
    files = LosesAnswers()
    output = opened(files)
    files.verb, files.part = verb, part
    output.publish(*staged(files, output))
    output.publish(*staged(files, output, 2, 4))
    assert files.verb == "", "the call was never made"
    assert [below(files, f"batches/{seq:010d}") for seq in range(2)] == [{"_manifest.json", "tweets/part-00000-7.json.gz"}] * 2
    assert published(files, 1)[0].covered["tweets", 0] == [(0, 4)]


def test_a_batch_that_another_has_published() -> None:
    files = MemoryFiles()
    output = opened(files)
    stage, batch = staged(files, output)
    rival = Output(MemoryFiles(files.nodes), "direct", "vader")  # what it does, the first one's fence does not see
    rival.begin(TOPICS, OFFSETS)
    rival.publish(*staged(rival.files, rival))
    for name, data in rival.files.nodes.items():
        if name.startswith("batches/"):
            files.nodes[name] = data
    with pytest.raises(Fenced, match="published batch 0") as caught:
        output.publish(stage, batch)
    assert caught.value.exit_code == 4
    assert published(files, 0)[0].epoch == 2


def test_a_fenced_driver_can_neither_stage_nor_publish() -> None:
    files = MemoryFiles()
    old = opened(files)
    stage, batch = staged(files, old)
    opened(files)
    with pytest.raises(Fenced, match="newer driver has taken over from epoch 1") as caught:
        old.publish(stage, batch)
    assert caught.value.exit_code == 4
    with pytest.raises(Fenced):
        old.stage()
    assert files.list("batches") == {}
    assert files.list("_staging") == {"1": False}


def test_a_stage_that_is_fenced_off_half_taken_is_not_published_in_part() -> None:
    class FencedMeanwhile(MemoryFiles):
        def rename(self, source: str, target: str) -> None:
            super().rename(source, target)
            if "/tweets/" in target:
                self.create("_epochs/2", b"")
                self.delete("_staging/1")

    files = FencedMeanwhile()
    output = opened(files)
    with pytest.raises(Fenced):
        output.publish(*staged(files, output))
    assert files.list("batches") == {}


def test_a_stage_that_vanishes_though_nobody_has_taken_over() -> None:
    files = MemoryFiles()
    output = opened(files)
    stage, batch = staged(files, output)
    files.delete("_staging")
    with pytest.raises(DataLossRisk, match="no newer driver has started at memory:/_staging/1"):
        output.publish(stage, batch)


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        ([0], "0000000000"),
        ([2], "0000000002"),
        ([1, 2, 3], "0000000001"),
        ([4], "0000000004"),
        ([3, 4], "0000000003"),
        ([0, 1, 2, 3, 4], "0000000000"),
    ],
)
def test_batches_that_somebody_took_away_are_named(gone: list[int], missing: str) -> None:
    files = MemoryFiles()
    output = opened(files)
    for start in range(0, 10, 2):
        output.publish(*staged(files, output, start, start + 2))
    opened(files)  # it has seen all five
    for seq in gone:
        files.delete(f"batches/{seq:010d}")
    with pytest.raises(DataLossRisk, match=rf"batch {int(missing)} is missing: 5 batches .* memory:/batches/{missing}"):
        opened(files)
    with pytest.raises(DataLossRisk, match="is missing"):  # the start that stopped has not made it forgotten
        opened(files)


def test_all_batches_taken_away_from_an_output_that_one_driver_has_made() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    files.delete("batches")
    with pytest.raises(DataLossRisk, match="batch 0 is missing: 1 batches"):
        opened(files)


@pytest.mark.parametrize("data", [None, b"", b"{", b'{"seq": 0}', b'{"version": 99}'])
def test_a_broken_manifest_is_named(data: bytes | None) -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    path = "batches/0000000000/_manifest.json"
    files.delete(path)
    if data is not None:
        files.create(path, data)
    newer = bool(data and b"99" in data)
    error, words = (ConfigError, "manifest version 99") if newer else (DataLossRisk, "the chain is broken")
    with pytest.raises(error, match=f"{words}.*memory:/{path}"):
        Output(files, "direct", "vader")
