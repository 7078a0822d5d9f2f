"""What a start finds in its output and in Kafka: how, how fast, and what it refuses."""

import json
from dataclasses import replace
from typing import Any

import pytest

from config.errors import ConfigError, DataLossRisk
from consumers.output import chain, manifests
from consumers.output.commits import Batch
from tests.kit.memory_files import Counting, MemoryFiles
from tests.kit.memory_output import OFFSETS, TOPICS, opened, published, staged


def filled(batches: int) -> Counting:
    """An output whose batches have one offset each, only the last of which has its manifest."""
    files = Counting()
    output = opened(files)
    output.publish(output.stage(), Batch([("tweets", 0, 0, 1)], {"tweets": 1}))
    manifest, _ = published(files, 0)
    last = replace(
        manifest, seq=batches - 1, covered={**manifest.covered, ("tweets", 0): [(0, batches)]}
    )
    files.nodes |= {chain.folder(seq): None for seq in range(batches)} | {
        chain.shard(seq): None for seq in range(batches)
    }
    files.nodes[f"{chain.folder(batches - 1)}/_manifest.json"] = last.to_bytes()
    return files


def test_a_start_takes_as_many_calls_however_many_batches_there_are() -> None:
    taken, plenty = {}, dict.fromkeys(OFFSETS, (0, 10**6))
    for batches in (100, 10_000, 100_000):
        files = filled(batches)
        files.calls = 0
        assert opened(files, offsets=plenty).seq == batches
        taken[batches] = files.calls
    assert len(set(taken.values())) == 1 and taken[100] <= 20, taken


def test_an_idle_batch_asks_one_question() -> None:
    files = Counting()
    output = opened(files)
    files.calls = 0
    assert output.own.holds()
    assert files.calls == 1


@pytest.mark.parametrize(
    ("topics", "offsets", "error", "said"),
    [
        ({"tweets": "id-2"}, OFFSETS, DataLossRisk, "its id was id-1 and is now id-2"),
        (
            TOPICS,
            {("tweets", 0): (5, 1000), ("tweets", 1): (0, 9)},
            DataLossRisk,
            r"deleted 3 records .*tweets\[0\] \[2, 5\)",
        ),
        (
            TOPICS,
            {("tweets", 0): (0, 1), ("tweets", 1): (0, 9)},
            DataLossRisk,
            r"Kafka ends at 1.*tweets\[0\] \[1, 2\)",
        ),
        (
            TOPICS,
            {("tweets", 1): (0, 9)},
            DataLossRisk,
            r"the partition no longer exists in Kafka at tweets\[0\]",
        ),
        # a partition that was added while no job ran
        (
            TOPICS,
            {**OFFSETS, ("tweets", 2): (4, 9)},
            DataLossRisk,
            r"deleted 4 records .*tweets\[2\] \[0, 4\)",
        ),
        (
            {"other": "id-9"},
            {("other", 0): (0, 9)},
            ConfigError,
            "belongs to tweets, this job reads other",
        ),
    ],
)
def test_a_start_refuses(
    topics: dict[str, str], offsets: dict[Any, Any], error: type[Exception], said: str
) -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    with pytest.raises(error, match=said):
        opened(files, topics=topics, offsets=offsets)
    assert len(files.list("batches/0000000")) == 1


def test_a_start_takes_what_has_grown() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    output = opened(
        files,
        topics=TOPICS | {"more": "id-3"},
        offsets={
            ("tweets", 0): (2, 2),
            ("tweets", 1): (0, 9),
            ("tweets", 2): (0, 9),
            ("more", 0): (4, 9),
        },
    )
    assert manifests.frontiers(output.covered) == {
        ("tweets", 0): 2,
        ("tweets", 1): 0,
        ("tweets", 2): 0,
        ("more", 0): 4,
    }


@pytest.mark.parametrize("shard", [1, 2, 3, 1000])
@pytest.mark.parametrize("gone", [[0], [2], [1, 2, 3], [4], [3, 4], [0, 1, 2, 3, 4]])
def test_batches_that_somebody_took_away_are_named(
    gone: list[int], shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "SHARD", shard)
    files = MemoryFiles()
    output = opened(files)
    for start in range(0, 10, 2):
        output.publish(*staged(files, output, start, start + 2))
    opened(files)  # it has seen all five
    for seq in gone:
        files.delete(chain.folder(seq))
    for _ in range(2):  # the start that stopped has not made it forgotten
        with pytest.raises(
            DataLossRisk,
            match=rf"batch {gone[0]} is missing: 5 batches .* memory:/{chain.folder(gone[0])}",
        ):
            opened(files)


@pytest.mark.parametrize("shard", [2, 1000])
def test_an_empty_shard_is_no_batch(shard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that died before its rename made it, or one that did not know yet that the output is
    another."""
    monkeypatch.setattr(chain, "SHARD", shard)
    files = MemoryFiles()
    for number in (0, 1, 7):
        files.mkdirs(f"batches/{number:07d}")
        assert opened(files).seq == 0
    for start in range(0, 8, 2):
        output = opened(files)
        output.publish(*staged(files, output, start, start + 2))
    assert opened(files).seq == 4


def test_all_batches_taken_away_from_an_output_that_one_driver_has_made() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    files.delete("batches")
    with pytest.raises(DataLossRisk, match="batch 0 is missing: 1 batches"):
        opened(files)


@pytest.mark.parametrize(
    "nodes",
    [
        ["_epochs/1", "batches/"],
        ["batches/0000000000/_manifest.json"],
        ["_epochs/12", "_staging/11"],
    ],
)
def test_an_output_of_version_1_is_refused_and_left_as_it_is(nodes: list[str]) -> None:
    files = MemoryFiles()
    for name in nodes:
        files.mkdirs(name.rpartition("/")[0])
        if not name.endswith("/"):
            files.create(name, b"{}")
    before = dict(files.nodes)
    with pytest.raises(
        ConfigError, match="the output has the layout of version 1, this program knows version 2"
    ):
        opened(files)
    assert files.nodes == before


def test_an_output_of_a_later_version_is_refused() -> None:
    files = MemoryFiles()
    opened(files)
    identity = json.loads(files.read("_identity.json"))
    files.create("_identity.json", json.dumps({**identity, "version": 3}).encode(), overwrite=True)
    with pytest.raises(ConfigError, match="version 3 of this program's format made the output"):
        opened(files)


def test_an_output_without_its_identity_or_with_another_s() -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    files.delete("_identity.json")
    with pytest.raises(DataLossRisk, match="the output has no identity"):
        opened(files)
    files.create("_identity.json", json.dumps({"version": 2, "identity": "another"}).encode())
    with pytest.raises(
        DataLossRisk,
        match=f"the last batch belongs to the output {output.own.identity}, this one is another",
    ):
        opened(files)


def test_the_word_of_a_driver_that_knew_another_output_counts_for_nothing() -> None:
    files = MemoryFiles()
    output = opened(files)
    files.mkdir("_seen/9-another")
    assert opened(files).seq == 0
    files.mkdir(f"_seen/9-{output.own.identity}")
    with pytest.raises(DataLossRisk, match="batch 0 is missing: 9 batches"):
        opened(files)


@pytest.mark.parametrize("data", [None, b"", b"{", b'{"seq": 0}', b'{"version": 99}'])
def test_a_broken_manifest_is_named(data: bytes | None) -> None:
    files = MemoryFiles()
    output = opened(files)
    output.publish(*staged(files, output))
    path = "batches/0000000/0000000000/_manifest.json"
    files.delete(path)
    if data is not None:
        files.create(path, data)
    newer = bool(data and b"99" in data)
    error, words = (
        (ConfigError, "manifest version 99") if newer else (DataLossRisk, "the chain is broken")
    )
    with pytest.raises(error, match=f"{words}.*memory:/{path}"):
        opened(files)


def test_a_start_knows_the_leader_epoch_of_each_partition_s_last_record() -> None:
    files = MemoryFiles()
    output = opened(files)
    for start, epochs in (
        (0, {("tweets", 0): 3, ("tweets", 1): 1}),
        (2, {("tweets", 0): 5}),
        (4, {}),
        (6, {("tweets", 0): 4}),
    ):
        stage, batch = staged(files, output, start, start + 2)
        output.publish(stage, replace(batch, leader_epochs=epochs))
    assert opened(files).leader_epochs == {("tweets", 0): 5, ("tweets", 1): 1}
