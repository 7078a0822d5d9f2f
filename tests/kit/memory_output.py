"""An output on HDFS in memory, and batches for it."""

from collections.abc import Mapping

from consumers.output import chain
from consumers.output.commits import Batch, Output, Stage
from consumers.output.manifests import Manifest, Partition
from consumers.output.ownership import Ownership
from tests.kit.memory_files import MemoryFiles

TOPICS, OFFSETS = {"tweets": "id-1"}, {("tweets", 0): (0, 1000), ("tweets", 1): (0, 1000)}


def opened(
    files: MemoryFiles,
    approach: str = "direct",
    topics: Mapping[str, str] = TOPICS,
    offsets: Mapping[Partition, tuple[int, int]] = OFFSETS,
) -> Output:
    """The output, claimed by a new driver, when Kafka has these topics and [begin, end)."""
    return Output.take_over(Ownership.claim(files, approach), "vader", topics, offsets)


def staged(
    files: MemoryFiles, output: Output, start: int = 0, until: int = 2
) -> tuple[Stage, Batch]:
    """A stage whose one task has written its file."""
    stage = output.stage()
    files.create_in_folder(f"{stage.parts}/tweets-00000-7.json.gz", b"lines")
    file = {
        "kind": "tweets",
        "name": "tweets-00000-7.json.gz",
        "bytes": 5,
        "records": until - start,
    }
    return stage, Batch([("tweets", 0, start, until)], {"tweets": until - start}, [file])


def published(files: MemoryFiles, seq: int) -> tuple[Manifest, bytes]:
    data = files.read(f"{chain.folder(seq)}/_manifest.json")
    return Manifest.from_bytes(data), data
