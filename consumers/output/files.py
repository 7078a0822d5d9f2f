"""What the commit protocol needs of a file system; consumers/output/storage.py is HDFS, and says
what each verb does and raises."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Entry(NamedTuple):
    """What a listing says of one entry: whether it is a folder, its inode (never used again, and a
    copy has another), and how many entries it has itself."""

    is_folder: bool
    inode: int
    entries: int


class Files(Protocol):
    """The verbs. Only `mkdirs` makes the folders above: what is staged or published never makes an
    output."""

    root: str

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None: ...
    def read(self, name: str) -> bytes: ...
    def list(self, name: str, after: str = "") -> dict[str, Entry]: ...
    def exists(self, name: str) -> bool: ...
    def mkdir(self, name: str) -> None: ...
    def mkdirs(self, name: str) -> None: ...
    def rename(self, source: str, target: str) -> None: ...
    def delete(self, name: str) -> None: ...
    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Sequence[R]: ...
