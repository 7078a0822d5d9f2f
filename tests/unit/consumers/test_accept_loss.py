"""An operator's word lets a job go on behind records that retention deleted, and stays in the
chain."""

import pytest

from config.errors import DataLossRisk
from consumers.output.commits import Batch, Output
from consumers.output.manifests import Manifest
from consumers.output.ownership import Ownership
from tests.kit.memory_files import MemoryFiles

TOPICS = {"tweets": "id-1"}


def output(files: MemoryFiles, begin: int, end: int, accept_loss: str = "") -> Output:
    """A driver's output, when Kafka has tweets[0] [begin, end)."""
    own = Ownership.claim(files, "direct")
    return Output.take_over(own, "scorer", TOPICS, {("tweets", 0): (begin, end)}, accept_loss)


def published(files: MemoryFiles) -> None:
    """An output that holds tweets[0] [0, 10)."""
    first = output(files, 0, 10)
    first.publish(first.stage(), Batch([("tweets", 0, 0, 10)], {}))


def test_without_it_the_lost_range_is_named() -> None:
    files = MemoryFiles()
    published(files)
    with pytest.raises(DataLossRisk, match=r"deleted 15 records .* at tweets\[0\] \[10, 25\)"):
        output(files, 25, 40)


def test_with_it_the_loss_is_a_batch_of_its_own() -> None:
    files = MemoryFiles()
    published(files)
    second = output(files, 25, 40, "ana: the disk was full")
    assert second.seq == 2
    assert second.covered == {("tweets", 0): [(0, 25)]}
    manifest = Manifest.from_bytes(files.read("batches/0000000/0000000001/_manifest.json"))
    assert manifest.ranges == [("tweets", 0, 10, 25)]
    assert (manifest.accepted_loss, manifest.files) == ("ana: the disk was full", [])


def test_it_has_nothing_to_say_where_nothing_is_lost() -> None:
    files = MemoryFiles()
    published(files)
    second = output(files, 10, 40, "ana: in case")
    assert second.seq == 1
