"""A compactor on files in memory: its tasks run here instead of on Spark's executors."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from consumers.output import aside
from tests.kit.memory_files import MemoryFiles
from units.compactor import Compactor
from units.report import Report

Task = Callable[[Iterable[bytes]], Iterator[bytes]]


class Partitions:
    """What the compactor asks of an RDD: one partition for each group of files."""

    def __init__(self, groups: list[list[bytes]]) -> None:
        self.groups = groups

    def mapPartitions(self, task: Task) -> "Partitions":
        return Partitions([list(task(iter(group))) for group in self.groups])

    def collect(self) -> list[bytes]:
        return list(chain(*self.groups))


class OnMemory:
    """The verbs of Storage that run tasks, over files in memory."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files, self.written = files, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)

    def read_groups(self, groups: list[list[str]]) -> Partitions:
        """As consumers/output/java/partfiles/Groups.java."""
        of = lambda name: name.split("/")[-2][:1].encode() + self.files.read(name)  # noqa: E731
        return Partitions([[of(name) for name in group] for group in groups])

    def write_parts(self, blobs: Partitions, folder: str) -> list[dict[str, Any]]:
        """As consumers/output/java/partfiles/PartFiles.java."""
        return [self._part(group, folder) for group in blobs.groups]

    def _part(self, blobs: list[bytes], folder: str) -> dict[str, Any]:
        part: dict[str, Any] = {"files": {}}
        for kind, tag in (("tweets", b"T"), ("rejected", b"R")):
            if data := b"".join(blob[1:] for blob in blobs if blob[:1] == tag):
                self.written += 1
                name = f"{kind}-{self.written:05d}-0.json.gz"
                self.files.create(f"{folder}/{name}", data)
                part["files"][kind] = (name, len(data))
        (part["summary"],) = [json.loads(blob[1:]) for blob in blobs if blob[:1] == b"S"]
        return part


def compact(files: MemoryFiles, grace_hours: float = 10**5) -> Report:
    """Compact, erase and remove what is due; below a grace of 0 hours everything that is replaced
    goes."""
    own = aside.claim(files)
    storage: Any = OnMemory(files)
    return Compactor(storage, own, lambda *_: None).run(grace_hours, 0, 0)
