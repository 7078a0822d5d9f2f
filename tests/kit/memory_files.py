"""HDFS in memory, for what the commit protocol can tell: what each verb does was measured on a
NameNode (Hadoop 3.5)."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from consumers.output.files import Entry

T = TypeVar("T")
R = TypeVar("R")
AWAY = "away"  # where an operator moves the output
# in an output that is a copy: its files have other inodes than those they were copied from
COPY = "~copy"


class MemoryFiles:
    """The verbs of consumers/output/storage.py. `nodes` holds each file's bytes, and None for each
    folder; the root is always there."""

    root = "memory:"

    def __init__(self, nodes: dict[str, bytes | None] | None = None) -> None:
        self.nodes = dict(nodes or {})

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        """Make a file in a folder that is there."""
        if name in self.nodes and (self.nodes[name] is None or not overwrite):
            raise FileExistsError(name)
        if not self._is_folder(_parent(name)):
            raise FileNotFoundError(name)
        self.nodes[name] = data

    def create_in_folder(self, name: str, data: bytes) -> None:
        """What a task does, under a name of its own at each attempt."""
        self.create(name, data)

    def create_and_folders(self, name: str, data: bytes) -> None:
        """What others may do: make a file and, as HDFS does, any folder above it, even one that
        another client has just deleted."""
        if name in self.nodes:
            raise FileExistsError(name)
        self._make_folders(_parent(name), name)
        self.nodes[name] = data

    def read(self, name: str) -> bytes:
        """The whole file; a folder is not found either."""
        data = self.nodes.get(name)
        if data is None:
            raise FileNotFoundError(name)
        return data

    def list(self, name: str, after: str = "") -> dict[str, Entry]:
        """The entries of a folder whose names are greater than `after`; nothing where nothing
        is."""
        depth, within, inside = name.count("/") + 1, f"{name}/", Counter[str]()
        found = [path for path in self.nodes if path.startswith(within)]
        for path in found:
            if path.count("/") == depth + 1:
                inside[_parent(path)] += 1
        entries = sorted(
            path for path in found if path.count("/") == depth and path[len(within) :] > after
        )
        return {path[len(within) :]: self._entry(path, inside[path]) for path in entries}

    def _entry(self, path: str, entries: int) -> Entry:
        data = self.nodes[path]
        inode = hashlib.sha256((data or b"") + (b"copied" if COPY in self.nodes else b"")).digest()[
            :6
        ]
        return Entry(data is None, int.from_bytes(inode, "big"), entries)

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        return name in self.nodes

    def mkdirs(self, name: str) -> None:
        """Make a folder and those above it; FileExistsError on a file, FileNotFoundError below
        one."""
        if self.nodes.get(name) is not None:
            raise FileExistsError(name)
        self._make_folders(name, name)

    def mkdir(self, name: str) -> None:
        """Make a folder in one that is there; FileExistsError on a file."""
        if self.nodes.get(name) is not None:
            raise FileExistsError(name)
        if not self._is_folder(_parent(name)):
            raise FileNotFoundError(name)
        self.nodes[name] = None

    def rename(self, source: str, target: str) -> None:
        """HDFS's rename2 without OVERWRITE: never onto anything, not even onto an empty folder."""
        if source not in self.nodes:
            raise FileNotFoundError(f"{source} -> {target}")
        if target in self.nodes:
            raise FileExistsError(f"{source} -> {target}")
        if not self._is_folder(_parent(target)):
            raise FileNotFoundError(f"{source} -> {target}")
        for name in [
            name for name in self.nodes if name == source or name.startswith(f"{source}/")
        ]:
            self.nodes[target + name[len(source) :]] = self.nodes.pop(name)

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder in one step; nothing happens where nothing is."""
        for gone in [node for node in self.nodes if node == name or node.startswith(f"{name}/")]:
            del self.nodes[gone]

    @staticmethod
    def each(work: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        """One after the other."""
        return [work(item) for item in items]

    def move_away(self) -> None:
        """What an operator does: the whole output goes to another path."""
        self.nodes = {f"{AWAY}/{name}": data for name, data in self.nodes.items()}

    def copy_back(self) -> None:
        """What an operator does: a copy of what was moved away comes to the path where it was,
        unless something is there."""
        if all(name.startswith(AWAY) for name in self.nodes):
            self.nodes |= {
                name.removeprefix(f"{AWAY}/"): data for name, data in self.nodes.items()
            } | {COPY: None}

    def delete_all(self) -> None:
        """What an operator does: the output goes."""
        self.nodes = {}

    def _is_folder(self, name: str) -> bool:
        return not name or (name in self.nodes and self.nodes[name] is None)

    def _make_folders(self, folder: str, wanted: str) -> None:
        above = [
            folder[:end]
            for end in range(len(folder) + 1)
            if folder[:end] and folder[end : end + 1] in ("", "/")
        ]
        if any(self.nodes.get(name) is not None for name in above):
            raise FileNotFoundError(wanted)
        for name in above:
            self.nodes[name] = None


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


class Counting(MemoryFiles):
    """Counts the calls that a NameNode would answer."""

    calls = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("create", "read", "list", "exists", "mkdir", "mkdirs", "rename", "delete"):
            self.calls += 1
        return super().__getattribute__(name)
