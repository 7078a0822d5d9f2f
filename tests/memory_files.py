"""HDFS in memory, as far as the commit protocol can tell: what each verb does was measured on a NameNode (Hadoop 3.5)."""


class MemoryFiles:
    """The verbs of consumers/storage.py. `nodes` holds each file's bytes, and None for each folder; the root is always there."""

    root = "memory:"

    def __init__(self, nodes: dict[str, bytes | None] | None = None) -> None:
        self.nodes = dict(nodes or {})

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        """Make a file and, as HDFS does, any folder above it, even one that somebody has just deleted."""
        if name in self.nodes and (self.nodes[name] is None or not overwrite):
            raise FileExistsError(name)
        self._make_folders(_parent(name), name)
        self.nodes[name] = data

    def create_in_folder(self, name: str, data: bytes) -> None:
        """What a task does: make a file in a folder that is there (HDFS: createNonRecursive), or FileNotFoundError."""
        if not self._is_folder(_parent(name)):
            raise FileNotFoundError(name)
        self.create(name, data)

    def read(self, name: str) -> bytes:
        """The whole file; a folder is not found either."""
        data = self.nodes.get(name)
        if data is None:
            raise FileNotFoundError(name)
        return data

    def list(self, name: str) -> dict[str, bool]:
        """The entries of a folder and whether each is a folder; of a file, itself; nothing where nothing is."""
        if self.nodes.get(name) is not None:
            return {name.rpartition("/")[2]: False}
        return {child.rpartition("/")[2]: data is None for child, data in self.nodes.items() if _parent(child) == name}

    def first_after(self, folder: str, name: str) -> str | None:
        """The first entry of a folder whose name is greater."""
        return min((child for child in MemoryFiles.list(self, folder) if child > name), default=None)

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        return name in self.nodes

    def mkdirs(self, name: str) -> None:
        """Make a folder and those above it; FileExistsError on a file, FileNotFoundError below one."""
        if self.nodes.get(name) is not None:
            raise FileExistsError(name)
        self._make_folders(name, name)

    def rename(self, source: str, target: str) -> None:
        """HDFS's rename2 without OVERWRITE: never onto anything, not even onto an empty folder."""
        if source not in self.nodes:
            raise FileNotFoundError(f"{source} -> {target}")
        if target in self.nodes:
            raise FileExistsError(f"{source} -> {target}")
        if not self._is_folder(_parent(target)):
            raise FileNotFoundError(f"{source} -> {target}")
        for name in [name for name in self.nodes if name == source or name.startswith(f"{source}/")]:
            self.nodes[target + name[len(source) :]] = self.nodes.pop(name)

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder in one step; nothing happens where nothing is."""
        for gone in [node for node in self.nodes if node == name or node.startswith(f"{name}/")]:
            del self.nodes[gone]

    def _is_folder(self, name: str) -> bool:
        return not name or (name in self.nodes and self.nodes[name] is None)

    def _make_folders(self, folder: str, wanted: str) -> None:
        above = [folder[:end] for end in range(len(folder) + 1) if folder[:end] and folder[end : end + 1] in ("", "/")]
        if any(self.nodes.get(name) is not None for name in above):
            raise FileNotFoundError(wanted)
        for name in above:
            self.nodes[name] = None


def _parent(name: str) -> str:
    return name.rpartition("/")[0]
