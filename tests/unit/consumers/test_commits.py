"""The commit protocol step by step, on HDFS in memory; tests/unit/consumers/test_commits_model.py
tries every order of the steps."""

from collections.abc import Callable

import pytest

from config.errors import DataLossRisk, Fenced
from consumers.output import chain, manifests
from consumers.output.ownership import Ownership
from tests.kit.memory_files import MemoryFiles
from tests.kit.memory_output import TOPICS, opened, published, staged


def below(files: MemoryFiles, folder: str) -> set[str]:
    return {
        name.removeprefix(f"{folder}/")
        for name, data in files.nodes.items()
        if data and name.startswith(f"{folder}/")
    }


def test_batches_are_dense_and_chained() -> None:
    files = MemoryFiles()
    # either job continues where the other was
    for approach in ("direct", "receiver_based", "direct"):
        output = opened(files, approach)
        for _ in range(2):
            start = manifests.frontier(output.covered["tweets", 0])
            output.publish(*staged(files, output, start, start + 2))
    assert sorted(files.list("batches/0000000")) == [f"{seq:010d}" for seq in range(6)]
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
    files.create_and_folders(
        f"{stage.parts}/tweets-00000-8.json.gz", b"an attempt that is not waited for"
    )
    assert below(files, "batches/0000000/0000000000") == {
        "_manifest.json",
        "tweets/part-00000-7.json.gz",
    }
    assert manifest.files == [{"path": "tweets/part-00000-7.json.gz", "bytes": 5, "records": 2}]
    successor = opened(files)
    assert [*files.list("_staging")] == [successor.own.staging.removeprefix("_staging/")]


def test_epochs_count_up_and_fence_every_older_one() -> None:
    files = MemoryFiles()
    outputs = [opened(files) for _ in range(3)]
    assert [output.own.epoch for output in outputs] == [1, 2, 3]
    assert [output.own.holds() for output in outputs] == [False, False, True]
    assert [str(output.own.lost()) for output in outputs[:2]] == [
        f"a newer driver has taken over from epoch {epoch} at memory:\n  next: leave the output "
        "to it"
        for epoch in (1, 2)
    ]


def test_a_hundred_starts_leave_no_more_behind_than_one() -> None:
    files = MemoryFiles()
    output = opened(files)
    for start in range(0, 200, 2):
        output = opened(files)
        output.publish(*staged(files, output, start, start + 2))
    assert [len(files.list(folder)) for folder in ("_epochs", "_staging", "_seen")] == [1, 1, 1]
    assert output.own.epoch == 101


def test_an_epoch_that_another_takes_at_the_same_moment() -> None:
    class Racing(MemoryFiles):
        def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
            if name == "_epochs/0000000001":
                MemoryFiles.create(self, name, b"the other one")
            super().create(name, data, overwrite)

    assert Ownership.claim(Racing(), "direct").epoch == 2


def test_a_slow_start_that_takes_an_epoch_which_newer_drivers_have_taken_away() -> None:
    class Slow(MemoryFiles):
        def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
            if name == "_epochs/0000000002":
                self.newer = [opened(others) for others in (MemoryFiles(self.nodes),) * 2][-1]
                self.nodes = self.newer.files.nodes  # type: ignore[attr-defined]
            super().create(name, data, overwrite)

    files = MemoryFiles()
    opened(files)
    slow = Slow(files.nodes)
    with pytest.raises(Fenced, match="taken over from epoch 2"):
        Ownership.claim(slow, "direct")
    assert slow.newer.own.epoch == 3 and slow.newer.own.holds()


class LosesAnswers(MemoryFiles):
    """The next call of `verb` on a name with `part` in it is done, but its answer never comes: the
    client repeats it."""

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
    ("verb", "part"),
    [
        ("rename", "batches/"),
        ("rename", "/tweets/"),
        ("rename", "_manifest.json"),
        ("create", "_manifest.json"),
    ],
)
def test_a_lost_answer_is_recognised(verb: str, part: str) -> None:
    files = LosesAnswers()
    output = opened(files)
    files.verb, files.part = verb, part
    output.publish(*staged(files, output))
    output.publish(*staged(files, output, 2, 4))
    assert files.verb == "", "the call was never made"
    assert [below(files, chain.folder(seq)) for seq in range(2)] == [
        {"_manifest.json", "tweets/part-00000-7.json.gz"}
    ] * 2
    assert published(files, 1)[0].covered["tweets", 0] == [(0, 4)]


def test_a_batch_that_another_has_published() -> None:
    files = MemoryFiles()
    output = opened(files)
    stage, batch = staged(files, output)
    # what it does, the first one's fence does not see
    elsewhere = MemoryFiles(files.nodes)
    rival = opened(elsewhere)
    rival.publish(*staged(elsewhere, rival))
    for name, data in elsewhere.nodes.items():
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
    assert files.list("batches") == {} and len(files.list("_staging")) == 1


def test_a_stage_that_is_fenced_off_half_taken_is_not_published_in_part() -> None:
    class FencedMeanwhile(MemoryFiles):
        def rename(self, source: str, target: str) -> None:
            super().rename(source, target)
            if "/tweets/" in target:
                self.create("_epochs/0000000002", b"")
                self.delete(f"_staging/{[*self.list('_staging')][0]}")

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
    with pytest.raises(
        DataLossRisk, match="no newer driver has started at memory:/_staging/0000000001-"
    ):
        output.publish(stage, batch)


class Replaced(MemoryFiles):
    """Do `deed` just before the call `verb` on a name with `part` in it."""

    verb = part = deed = ""

    def rename(self, source: str, target: str) -> None:
        if self.part and self.part in target:
            self.part = ""
            for deed in self.deed.split():
                getattr(self, deed)()
        super().rename(source, target)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("move_away", "moved away or deleted"),
        ("delete_all", "moved away or deleted"),
        ("move_away copy_back", "replaced, by a copy or an older state of it"),
    ],
)
def test_an_output_that_somebody_takes_away_between_two_batches(deed: str, said: str) -> None:
    files = Replaced()
    output = opened(files)
    output.publish(*staged(files, output))
    stage, batch = staged(files, output, 2, 4)
    files.part, files.deed = "/tweets/part-", deed
    before = [name for name in files.nodes if name.endswith("_manifest.json")]
    with pytest.raises(DataLossRisk, match=said) as caught:
        output.publish(stage, batch)
    assert caught.value.exit_code == 3
    with pytest.raises(DataLossRisk, match=said):  # an idle driver learns it too
        assert not output.own.holds()
        raise output.own.lost()
    assert len(
        [name for name in files.nodes if name.endswith("_manifest.json") and "batches/" in name]
    ) <= 2 * len(before)


def test_another_output_in_the_place_of_one_that_was_moved_away() -> None:
    """Both are at epoch 1. The old driver stages nothing in the new one, and makes no folder
    there."""
    files = MemoryFiles()
    old = opened(files)
    old.publish(*staged(files, old))
    files.move_away()
    new = opened(files)
    assert (old.own.epoch, new.own.epoch) == (1, 1) and old.own.identity != new.own.identity
    before = dict(files.nodes)
    for attempt in (old.stage, lambda: old.publish(*staged(files, old))):
        with pytest.raises(DataLossRisk, match="another output is in the place of"):
            attempt()
    assert files.nodes == before
    assert published(files, 0) if new.publish(*staged(files, new)) else None


def test_nothing_is_made_where_an_output_was_deleted() -> None:
    files = MemoryFiles()
    output = opened(files)
    stage, batch = staged(files, output)
    files.delete_all()
    with pytest.raises(DataLossRisk, match="moved away or deleted"):
        output.publish(stage, batch)
    with pytest.raises(DataLossRisk, match="moved away or deleted"):
        output.stage()
    assert files.nodes == {}
