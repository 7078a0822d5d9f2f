"""The audit's look at the manifests: whether they form one unbroken chain that says what is
there."""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from audit.intervals import Intervals, merged, minus, size

TopicPartition = tuple[str, int]
VERSION, UNIT_VERSION = 2, 1  # of the manifests
SHARD = 1000  # batches in a shard
Spans = dict[TopicPartition, Intervals]


class Damaged(Exception):
    """A file is not what its manifest or its folder's listing says."""


class Batch(NamedTuple):
    """A directory in a shard of `batches/`: its name (SHARD/NUMBER), its manifest's bytes, how many
    files and bytes are below it.

    `lengths()` lists all files below it but the manifest, with their lengths. `lines(path, length)`
    gives a file's lines; raises Damaged where it has another length.
    """

    name: str
    manifest: bytes | None
    summary: tuple[int, int]
    lengths: Callable[[], dict[str, int]]
    lines: Callable[[str, int], Iterable[bytes]]


class File(Struct):
    path: str
    bytes: int
    records: int


class Unit(Struct):
    version: int
    identity: str
    first: int
    until: int
    revision: int
    previous: str | None
    last: str
    ranges: list[tuple[str, int, int, int]]
    covered: dict[str, dict[int, list[tuple[int, int]]]]
    counts: dict[str, int]
    files: list[File]


class Manifest(Struct):
    version: int
    identity: str
    seq: int
    previous: str | None
    ranges: list[tuple[str, int, int, int]]
    covered: dict[str, dict[int, list[tuple[int, int]]]]
    counts: dict[str, int]
    files: list[File]


class Linked(NamedTuple):
    """A batch as the chain has it: its manifest, if it has one, the lengths of its files, and what
    is wrong, a sentence each."""

    batch: Batch
    manifest: Manifest | Unit | None
    lengths: dict[str, int]
    errors: list[str]


class Chain:
    """Takes the batches in the order of their names and holds each against the one before.

    `before` is the manifest of the batch in front of number `first`; its own predecessors are not
    looked at. Raises ValueError where it cannot be read.
    """

    def __init__(self, first: int = 0, before: bytes | None = None) -> None:
        self.length = first
        self.previous: str | None = None
        self.identity: str | None = None
        self.covered: Spans = {}
        if before is not None:
            try:
                manifest = msgspec.json.decode(before, type=Manifest)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"batch {first - 1} has no valid manifest: {error}") from None
            self.previous = hashlib.sha256(before).hexdigest()
            self.covered, self.identity = _covered(manifest), manifest.identity

    def link(self, batch: Batch) -> Linked:
        """The next batch, held against the ones before."""
        seq, self.length = self.length, self.length + 1
        errors = []
        if batch.name != name_of(seq):
            errors.append(f"here should be batch {name_of(seq)}")
            number = batch.name.rpartition("/")[2]
            self.length = int(number) + 1 if number.isdecimal() else seq
        if batch.manifest is None:
            return Linked(batch, None, batch.lengths(), [*errors, "no _manifest.json"])
        previous, self.previous = self.previous, hashlib.sha256(batch.manifest).hexdigest()
        try:
            manifest = msgspec.json.decode(batch.manifest, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Linked(
                batch,
                None,
                batch.lengths(),
                [*errors, f"_manifest.json is not a manifest: {error}"],
            )
        if (manifest.version, name_of(manifest.seq)) != (VERSION, batch.name):
            errors.append(f"the manifest says version {manifest.version}, seq {manifest.seq}")
        if manifest.previous != previous:
            errors.append(
                f"the manifest before it is {previous}, this one names {manifest.previous}"
            )
        self.identity = self.identity or manifest.identity
        if manifest.identity != self.identity:
            errors.append(
                f"it is of the output {manifest.identity}, those before it are of {self.identity}"
            )
        lengths, wrong = _files(manifest, batch)
        errors += wrong + self._cover(manifest)
        # it grows with the partitions, and a window keeps a thousand manifests
        manifest.covered = {}
        return Linked(batch._replace(manifest=None), manifest, lengths, errors)

    @classmethod
    def at_unit(cls, data: bytes) -> "Chain":
        """A chain that begins with the unit of this manifest: those before it were kept as long as
        they should be. Raises ValueError where it cannot be read."""
        try:
            unit = msgspec.json.decode(data, type=Unit)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"the first unit has no valid manifest: {error}") from None
        chain, new = cls(unit.first), ranges_of(unit)
        chain.previous = unit.previous if unit.first else None
        said = _covered(unit) if unit.first else {}
        chain.covered = {at: minus(said[at], merged(new.get(at, []))) for at in said}
        return chain

    def link_unit(self, batch: Batch) -> Linked:
        """The next unit, held against what is before it."""
        if batch.manifest is None:
            return Linked(batch, None, batch.lengths(), ["no _manifest.json"])
        try:
            unit = msgspec.json.decode(batch.manifest, type=Unit)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            wrong = [f"_manifest.json is not a unit's manifest: {error}"]
            return Linked(batch, None, batch.lengths(), wrong)
        errors, name = [], f"units/{unit.first:010d}-r{unit.revision}"
        if (unit.version, name) != (UNIT_VERSION, batch.name):
            errors.append(f"the manifest says version {unit.version}, {name}")
        if unit.first != self.length or unit.until <= unit.first:
            errors.append(f"it has the batches [{unit.first}, {unit.until}) after {self.length}")
        if unit.previous != self.previous:
            errors.append(f"the manifest before it is {self.previous}, it names {unit.previous}")
        self.identity = self.identity or unit.identity
        if unit.identity != self.identity:
            errors.append(f"it is of the output {unit.identity}, others are of {self.identity}")
        self.length, self.previous = unit.until, unit.last
        lengths, wrong = _files(unit, batch)
        errors += wrong + self._cover(unit)
        unit.covered = {}
        return Linked(batch._replace(manifest=None), unit, lengths, errors)

    def _cover(self, manifest: Manifest | Unit) -> list[str]:
        """Covered must be what was covered before and this batch's ranges, which must not
        overlap."""
        before, said = self.covered, _covered(manifest)
        self.covered = said
        new = ranges_of(manifest)
        errors = [
            f"{topic}[{partition}] [{start}, {end}) is not a range"
            for topic, partition, start, end in manifest.ranges
            if not 0 <= start < end
        ]
        for topic, partition in sorted(before.keys() | new.keys() | said.keys()):
            parts = before.get((topic, partition), []) + new.get((topic, partition), [])
            union = merged(parts)
            if size(union) != size(parts):
                errors.append(f"ranges of {topic}[{partition}] overlap what is covered")
            if said.get((topic, partition), []) != union:
                errors.append(
                    f"covered of {topic}[{partition}] should be {union}, is "
                    f"{said.get((topic, partition))}"
                )
        return errors


def end_of(data: bytes | None) -> int:
    """The number of the first batch behind a unit, by its manifest; raises ValueError."""
    try:
        return msgspec.json.decode(data or b"", type=Unit).until
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"a unit has no valid manifest: {error}") from None


def name_of(seq: int) -> str:
    """Where below `batches/` the batch of this number is."""
    return f"{seq // SHARD:07d}/{seq:010d}"


def ranges_of(manifest: Manifest | Unit) -> Spans:
    """The batch's ranges by partition, as the manifest has them: in any order, overlapping if it
    lies."""
    found: Spans = {}
    for topic, partition, start, end in manifest.ranges:
        found.setdefault((topic, partition), []).append((start, end))
    return found


def _covered(manifest: Manifest | Unit) -> Spans:
    return {
        (topic, partition): merged(intervals)
        for topic, partitions in manifest.covered.items()
        for partition, intervals in partitions.items()
    }


def _files(manifest: Manifest | Unit, batch: Batch) -> tuple[dict[str, int], list[str]]:
    """The files that are there, and what is wrong with them. Where number and bytes are as listed,
    the folders are not listed."""
    listed = {file.path: file.bytes for file in manifest.files}
    if batch.summary == (len(listed) + 1, sum(listed.values()) + len(batch.manifest or b"")):
        return listed, []
    lengths = batch.lengths()
    errors = [f"{path} is not in the manifest" for path in sorted(lengths.keys() - listed.keys())]
    for path, length in listed.items():
        if path not in lengths:
            errors.append(f"{path} is missing")
        elif lengths[path] != length:
            errors.append(f"{path} has {lengths[path]} bytes, the manifest says {length}")
    return lengths, errors
