"""The published batches of an output: numbered without a gap, found in a few calls however many there are."""

from typing import Protocol

from config.errors import ConfigError, DataLossRisk
from consumers.manifests import Manifest, OtherVersion


class Files(Protocol):
    """What the protocol needs of a file system; consumers/storage.py says what each verb does and raises."""

    root: str

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None: ...
    def read(self, name: str) -> bytes: ...
    def list(self, name: str) -> dict[str, bool]: ...
    def first_after(self, folder: str, name: str) -> str | None: ...
    def exists(self, name: str) -> bool: ...
    def mkdirs(self, name: str) -> None: ...
    def rename(self, source: str, target: str) -> None: ...
    def delete(self, name: str) -> None: ...


def folder(seq: int) -> str:
    """Where the batch of this number is published."""
    return f"batches/{_name(seq)}"


def _name(seq: int) -> str:
    return f"{seq:010d}"


def published(files: Files, seq: int) -> bool:
    """Whether there is a batch of this number."""
    return files.exists(folder(seq))


def length(files: Files) -> int:
    """How many batches there are before the first gap that a binary search meets: all of them where there is none."""
    if not published(files, 0):
        return 0
    low, high = 0, 1
    while published(files, high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if published(files, middle) else (low, middle)
    return low + 1


def number_from(files: Files, seq: int) -> int | None:
    """The number of the first batch there is from this number on."""
    found = files.first_after("batches", _name(seq - 1) if seq else "")
    return int(found) if found and found.isdecimal() else None


def manifest(files: Files, seq: int) -> tuple[Manifest, bytes]:
    """A batch's manifest and its bytes. Raises ConfigError where it is another version's, DataLossRisk where it is none."""
    path = f"{folder(seq)}/_manifest.json"
    try:
        data = files.read(path)
        return Manifest.from_bytes(data), data
    except OtherVersion as error:
        what = f"another version of this program made the output: {error}"
        raise ConfigError(what, f"{files.root}/{path}", "use that version") from None
    except (FileNotFoundError, ValueError) as error:
        where = f"{files.root}/{path}"
        raise DataLossRisk(f"the chain is broken: {error}", where, "scripts/audit.py shows what is there") from None
