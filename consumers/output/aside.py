"""Whose units they are: the compactor's own claims and staging, beside those of the output's
drivers.

    _compactor/_epochs/<epoch>             the claim of a compactor
    _compactor/_staging/<epoch>-<nonce>/   where this compactor stages

A newer compactor fences an older one as drivers do (consumers/output/ownership.py); jobs and
compactor never fence each other.
"""

from collections.abc import Callable, Iterable, Sequence

from config.errors import ConfigError
from consumers.output import units
from consumers.output.files import Entry, Files, R, T
from consumers.output.ownership import Ownership

_ASIDE = "_compactor"


class Aside:
    """The files of an output, but with the compactor's own claims and staging."""

    def __init__(self, files: Files) -> None:
        self.files, self.root = files, files.root

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        self.files.create(aside(name), data, overwrite=overwrite)

    def read(self, name: str) -> bytes:
        return self.files.read(aside(name))

    def list(self, name: str, after: str = "") -> dict[str, Entry]:
        return self.files.list(aside(name), after)

    def exists(self, name: str) -> bool:
        return self.files.exists(aside(name))

    def mkdir(self, name: str) -> None:
        self.files.mkdir(aside(name))

    def mkdirs(self, name: str) -> None:
        self.files.mkdirs(aside(name))

    def rename(self, source: str, target: str) -> None:
        self.files.rename(aside(source), aside(target))

    def delete(self, name: str) -> None:
        self.files.delete(aside(name))

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        return self.files.each(work, items)


def aside(name: str) -> str:
    """Where the compactor has what a driver calls `name`."""
    return f"{_ASIDE}/{name}" if name.startswith(("_epochs", "_staging")) else name


def claim(files: Files) -> Ownership:
    """Claim the output's units for this compactor, and fence off every older one. Raises
    ConfigError where there is no output, Fenced if a newer compactor was faster."""
    if not files.exists("_identity.json"):
        raise ConfigError("there is no output", files.root, "check --output; a job makes one")
    for folder in (aside("_epochs"), aside("_staging"), units.FOLDER):
        files.mkdirs(folder)
    return Ownership.claim(Aside(files), "compact")
