"""Units: a dense range of batches as one published folder of Parquet files, and its manifest.

units/<first>-r<revision>/   the batches [first, until), published and immutable; a greater revision
                             replaces a smaller one

The number of its first batch and the revision are the collision key. A unit is a link of the
chain of batches: it has the hash of the manifest before its first batch and of its last one, so
that the chain holds when the batches between are removed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from config.errors import ConfigError, DataLossRisk
from consumers.output import manifests
from consumers.output.files import Files
from consumers.output.manifests import Covered, OtherVersion, Range

VERSION = 1
FOLDER = "units"


class Unit(NamedTuple):
    """One folder: the number of its first batch, and which revision of the unit it is."""

    first: int
    revision: int

    @property
    def folder(self) -> str:
        """Where it is published."""
        return f"{FOLDER}/{self.first:010d}-r{self.revision}"

    @classmethod
    def of(cls, name: str) -> "Unit | None":
        """The unit of this folder's name; None for what is none."""
        match = re.fullmatch(r"(\d{10})-r(\d+)", name)
        return cls(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class UnitManifest:
    """One published revision of a unit: the batches [first, until) of one `hour` of ingest.

    `previous` is the hash of batch first-1's manifest, `last` that of batch until-1's; `replaces`
    the hash of the revision before this one. `ranges` are those of the batches, joined; `covered`
    is what was published after batch until-1. `compacted` is when the first revision was made,
    `made` when this one was. `files` are [{path, bytes, records}]; `accepted_loss` has the words of
    the batches that were lost. `id_times_ms` is the span of the times in the rows' ids, None where
    an id has none.
    """

    identity: str
    first: int
    until: int
    revision: int
    commit_id: str
    epoch: int
    hour: str
    compacted: str
    made: str
    previous: str | None
    last: str
    replaces: str | None
    topics: dict[str, str]
    ranges: list[Range]
    covered: Covered
    counts: dict[str, int]
    files: list[dict[str, Any]]
    accepted_loss: list[str]
    id_times_ms: tuple[int, int] | None
    version: int = VERSION

    @property
    def unit(self) -> Unit:
        """Its folder's name."""
        return Unit(self.first, self.revision)

    def to_bytes(self) -> bytes:
        """The manifest as JSON; covered is by topic, then by partition."""
        content = asdict(self) | {"covered": manifests.by_topic(self.covered)}
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "UnitManifest":
        """The manifest in `data`. Raises ValueError when it is not a unit's manifest, OtherVersion
        (a ValueError) when it is of another format."""
        try:
            content = manifests.content_of(data, cls, "unit", VERSION)
            if content["id_times_ms"] is not None:
                content["id_times_ms"] = tuple(content["id_times_ms"])
            return cls(**content)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"not a unit's manifest: {error!r}") from None


def revisions(files: Files) -> dict[int, list[int]]:
    """The revisions that are there of each unit, both sorted; a unit's number is its first
    batch's."""
    found: dict[int, list[int]] = {}
    for name in files.list(FOLDER):
        if unit := Unit.of(name):
            found.setdefault(unit.first, []).append(unit.revision)
    return {first: sorted(found[first]) for first in sorted(found)}


def current(files: Files) -> list[Unit]:
    """The newest revision of each unit, in the order of the batches."""
    return named(files.list(FOLDER))


def named(names: Iterable[str]) -> list[Unit]:
    """The newest revision of each unit among these names in FOLDER, in the order of the batches."""
    found = sorted(unit for name in names if (unit := Unit.of(name)))
    return list({unit.first: unit for unit in found}.values())


def newest(files: Files) -> UnitManifest | None:
    """The manifest of the last unit; None where there is no unit. Raises like `manifest`."""
    found = current(files)
    return manifest(files, found[-1])[0] if found else None


def manifest(files: Files, unit: Unit) -> tuple[UnitManifest, bytes]:
    """A unit's manifest and its bytes. Raises ConfigError for a manifest of another version,
    DataLossRisk where none can be read."""
    path = f"{unit.folder}/_manifest.json"
    try:
        data = files.read(path)
        return UnitManifest.from_bytes(data), data
    except OtherVersion as error:
        what = f"another version of this program made the unit: {error}"
        raise ConfigError(what, f"{files.root}/{path}", "use that version") from None
    except (FileNotFoundError, ValueError) as error:
        remedy = "restore it from a snapshot; scripts/audit.py shows what is there"
        raise DataLossRisk(
            f"the unit is damaged: {error}", f"{files.root}/{path}", remedy
        ) from None
