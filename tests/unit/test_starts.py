"""What a start finds in its output and in Kafka: how, how fast, and what it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from config.errors import ConfigError, DataLossRisk
from consumers import manifests
from consumers.commits import Batch, Output
from tests.memory_files import MemoryFiles
from tests.unit.memory_output import OFFSETS, TOPICS, opened, staged


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
        # a partition that was added while no job ran
        (TOPICS, {**OFFSETS, ("tweets", 2): (4, 9)}, DataLossRisk, r"deleted 4 records .*tweets\[2\] \[0, 4\)"),
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


def test_a_start_knows_the_leader_epoch_of_each_partition_s_last_record() -> None:
    files = MemoryFiles()
    output = opened(files)
    for start, epochs in ((0, {("tweets", 0): 3, ("tweets", 1): 1}), (2, {("tweets", 0): 5}), (4, {}), (6, {("tweets", 0): 4})):
        stage, batch = staged(files, output, start, start + 2)
        output.publish(stage, replace(batch, leader_epochs=epochs))
    assert Output(files, "direct", "vader").leader_epochs == {("tweets", 0): 5, ("tweets", 1): 1}
