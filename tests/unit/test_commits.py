"""The commit protocol step by step, on HDFS in memory; tests/unit/test_commits_model.py tries every order of the steps."""

from collections.abc import Callable

import pytest

from config.errors import DataLossRisk, Fenced
from consumers import manifests
from consumers.commits import Output
from tests.memory_files import MemoryFiles
from tests.unit.memory_output import OFFSETS, TOPICS, opened, published, staged


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
