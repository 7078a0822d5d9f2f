"""How batches become a unit, and a unit its next revision: by one rename that never overwrites.

    _compactor/_staging/<epoch>-<nonce>/<unit>-<uuid>/   one attempt at a unit

Which compactor may do so, consumers/output/aside.py says.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from config.errors import DataLossRisk, Fenced
from consumers.output import chain, commits, fail_points, manifests, units
from consumers.output.files import Files
from consumers.output.manifests import Manifest, Range
from consumers.output.ownership import Ownership, now
from consumers.output.units import Unit, UnitManifest

AHEAD = 64
"""How many manifests are read at once."""


class Plan(NamedTuple):
    """The batches of the next unit, in order, with the hashes of the manifests before the first
    and of the last."""

    batches: list[Manifest]
    previous: str | None
    last: str

    @property
    def unit(self) -> Unit:
        """What they become."""
        return Unit(self.batches[0].seq, 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind they have."""
        kinds = ("tweets", "deleted", "rejected")
        return {kind: sum(batch.counts.get(kind, 0) for batch in self.batches) for kind in kinds}


def plan(files: Files, identity: str, is_over: Callable[[str], bool]) -> Plan | None:
    """The next closed hour of batches that are in no unit; None while there is none.

    An hour is closed when a batch of a later one is there, or when `is_over` says so of it
    (2026-01-01T00). Raises DataLossRisk where batches are missing or the chain does not hold.
    """
    base, length = chain.span(files, identity)
    newest = units.newest(files)
    first, previous = (newest.until, newest.last) if newest else (base, None)
    found: list[Manifest] = []
    digest = previous
    for seq, (manifest, data) in _read(files, first, length):
        if (manifest.identity, manifest.previous) != (identity, digest):
            where = f"{files.root}/{chain.folder(seq)}"
            what = "the chain is broken: the manifest does not name the one before it"
            raise DataLossRisk(what, where, "scripts/audit.py shows what is there")
        if found and _hour(manifest) > _hour(found[0]):
            return Plan(found, previous, str(digest))
        found.append(manifest)
        digest = manifests.digest(data)
    return Plan(found, previous, str(digest)) if found and is_over(_hour(found[0])) else None


def _read(files: Files, first: int, length: int) -> Iterator[tuple[int, tuple[Manifest, bytes]]]:
    """The manifests of these batches, some at once: a day may have 86,400."""
    for start in range(first, length, AHEAD):
        some = range(start, min(start + AHEAD, length))
        yield from zip(some, files.each(partial(chain.manifest, files), some), strict=True)


def _hour(manifest: Manifest) -> str:
    return manifest.batch_time[:13]


@dataclass
class Content:
    """What the tasks made of a unit: the part files {kind, name, bytes, records} in the stage's
    `parts`, the rows of each kind, and the span of the times in their ids."""

    files: list[dict[str, Any]]
    counts: dict[str, int]
    offsets: list[Range] = field(default_factory=list)
    """Of a unit's first revision: where the rows are that were read, each once."""
    id_times_ms: tuple[int, int] | None = None
    tables: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    """Whole files of the driver's own: name to bytes and number of rows."""


class Stage(NamedTuple):
    """One attempt at a unit, as consumers/output/commits.py has it of a batch."""

    unit: Unit
    commit_id: str
    folder: str

    @property
    def parts(self) -> str:
        return f"{self.folder}.parts"


def stage(own: Ownership, unit: Unit) -> Stage:
    """A place for one attempt. Raises Fenced or DataLossRisk if the output is no longer this
    compactor's."""
    commit_id = str(uuid.uuid4())
    name = unit.folder.rpartition("/")[2]
    made = Stage(unit, commit_id, f"{own.staging}/{name}-{commit_id}")
    try:
        for folder in (made.parts, made.folder, f"{made.folder}/tweets", f"{made.folder}/rejected"):
            own.files.mkdir(folder)
    except (FileExistsError, FileNotFoundError):
        raise own.lost() from None
    fail_points.visit("unit staged")
    return made


def first_revision(own: Ownership, made: Stage, of: Plan, content: Content) -> UnitManifest:
    """What the manifest of a new unit says. Raises DataLossRisk where the rows are not those of the
    batches."""
    newest, time = of.batches[-1], now()
    ranges = joined(row for batch in of.batches for row in batch.ranges)
    where = f"batches [{of.batches[0].seq}, {newest.seq + 1})"
    check(own, of.counts, content, where)
    read = joined(content.offsets)
    rows = sum(of.counts.values())
    if _size(content.offsets) != rows or _size(read) != rows or joined([*ranges, *read]) != ranges:
        raise _other_rows(own, where, f"{_size(read)} offsets of {rows} rows")
    return UnitManifest(
        identity=own.identity,
        first=of.batches[0].seq,
        until=newest.seq + 1,
        revision=0,
        commit_id=made.commit_id,
        epoch=own.epoch,
        hour=_hour(of.batches[0]),
        compacted=time,
        made=time,
        previous=of.previous,
        last=of.last,
        replaces=None,
        topics=newest.topics,
        ranges=ranges,
        covered=newest.covered,
        counts=content.counts,
        files=[],
        accepted_loss=[batch.accepted_loss for batch in of.batches if batch.accepted_loss],
        id_times_ms=content.id_times_ms,
    )


def next_revision(
    own: Ownership, made: Stage, before: tuple[UnitManifest, bytes], content: Content
) -> UnitManifest:
    """What the manifest of a unit's next revision says; `before` is the one it replaces."""
    old, data = before
    check(own, old.counts, content, old.unit.folder)
    return replace(
        old,
        revision=made.unit.revision,
        commit_id=made.commit_id,
        epoch=own.epoch,
        made=now(),
        replaces=manifests.digest(data),
        counts=content.counts,
        id_times_ms=content.id_times_ms,
    )


def check(own: Ownership, before: dict[str, int], content: Content, where: str) -> None:
    """Raises DataLossRisk unless each row that was read is there or erased."""
    kinds = ("tweets", "deleted", "rejected", "erased")
    read, written = (
        sum(counts.get(kind, 0) for kind in kinds) for counts in (before, content.counts)
    )
    less = content.counts.get("erased", 0) >= before.get("erased", 0)
    same = content.counts.get("deleted", 0) == before.get("deleted", 0)
    if read != written or not less or not same:
        raise _other_rows(own, where, f"{content.counts}, {before} were there")


def _other_rows(own: Ownership, where: str, what: str) -> DataLossRisk:
    remedy = "scripts/audit.py says what is damaged; nothing was published or removed"
    what = f"the rows that were written are not those that are published: {what}"
    return DataLossRisk(what, f"{own.files.root} {where}", remedy)


def _size(ranges: Iterable[Range]) -> int:
    return sum(end - start for *_, start, end in ranges)


def publish(own: Ownership, made: Stage, manifest: UnitManifest, content: Content) -> UnitManifest:
    """Make the stage visible as its unit.

    Raises Fenced if another compactor has published it or taken over, DataLossRisk if the output
    was moved, replaced or deleted.
    """
    fail_points.visit("unit written")
    files, target = own.files, made.unit.folder
    try:
        for name, (data, _rows) in content.tables.items():
            files.create(f"{made.parts}/{name}", data, overwrite=True)
        moved = [(file["name"], _placed(file)) for file in content.files]
        for name, path in [*moved, *((name, name) for name in content.tables)]:
            commits.move(files, f"{made.parts}/{name}", f"{made.folder}/{path}")
        listed = [
            {"path": path, "bytes": file["bytes"], "records": file["records"]}
            for file, (_, path) in zip(content.files, moved, strict=True)
        ] + [
            {"path": name, "bytes": len(data), "records": rows}
            for name, (data, rows) in content.tables.items()
        ]
        manifest = replace(manifest, files=listed)
        fail_points.visit("unit files taken")
        files.create(f"{made.parts}/_manifest.json", manifest.to_bytes(), overwrite=True)
        fail_points.visit("unit manifest written")
        commits.move(files, f"{made.parts}/_manifest.json", f"{made.folder}/_manifest.json")
        if not own.holds():
            raise own.lost()
        fail_points.visit("before unit rename")
        files.rename(made.folder, target)
        fail_points.visit("after unit rename")
    except (FileExistsError, FileNotFoundError):
        # As for a batch: the answer may have been lost, so look whether ours is at the target.
        if not files.exists(target):
            raise own.lost() from None
        if units.manifest(files, made.unit)[0].commit_id != made.commit_id:
            what = f"another compactor has published {target}"
            beaten = Fenced(what, files.root, "leave the output to it")
            raise (beaten if own.holds() else own.lost()) from None
    files.delete(made.parts)
    return manifest


def _placed(file: dict[str, Any]) -> str:
    part = file["name"].partition("-")[2].removesuffix(".json.gz")
    return f"{file['kind']}/part-{part}.parquet"


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The ranges, joined where they touch."""
    found: dict[manifests.Partition, list[manifests.Interval]] = {}
    for topic, partition, start, end in ranges:
        known = found.get((topic, partition), [])
        found[topic, partition] = manifests.add(known, (start, end))
    return [
        (*at, start, end) for at, intervals in sorted(found.items()) for start, end in intervals
    ]
