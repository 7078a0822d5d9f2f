"""The audit's look at the manifests: whether they form one unbroken chain that says what is there."""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

TopicPartition = tuple[str, int]
Intervals = list[tuple[int, int]]


class Batch(NamedTuple):
    """A directory in a shard of `batches/`: its name (SHARD/BATCH), its manifest's bytes, the lengths of all other files below it,
    and their lines."""

    name: str
    manifest: bytes | None
    lengths: dict[str, int]
    lines: Callable[[str], Iterable[bytes]]


class File(Struct):
    path: str
    bytes: int
    records: int


class Manifest(Struct):
    version: int
    seq: int
    previous: str | None
    ranges: list[tuple[str, int, int, int]]
    covered: dict[str, dict[int, list[tuple[int, int]]]]
    counts: dict[str, int]
    files: list[File]


class Chain:
    """Takes the batches in the order of their names and holds each against the one before."""

    def __init__(self) -> None:
        self.length = 0
        self.previous: str | None = None
        self.covered: dict[TopicPartition, Intervals] = {}

    def link(self, batch: Batch) -> tuple[Manifest | None, list[str]]:
        """The batch's manifest, None if it has none, and what is wrong with it, a sentence each."""
        seq, self.length = self.length, self.length + 1
        errors = []
        if batch.name != _name(seq):
            errors.append(f"here should be batch {_name(seq)}")
            own = batch.name.rpartition("/")[2]
            self.length = int(own) + 1 if own.isdecimal() else seq
        if batch.manifest is None:
            return None, [*errors, "no _manifest.json"]
        previous, self.previous = self.previous, hashlib.sha256(batch.manifest).hexdigest()
        try:
            manifest = msgspec.json.decode(batch.manifest, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return None, [*errors, f"_manifest.json is none: {error}"]
        if (manifest.version, _name(manifest.seq)) != (2, batch.name):
            errors.append(f"the manifest says version {manifest.version}, seq {manifest.seq}")
        if manifest.previous != previous:
            errors.append(f"the manifest before it is {previous}, this one names {manifest.previous}")
        return manifest, errors + _files(manifest, batch.lengths) + self._cover(manifest)

    def _cover(self, manifest: Manifest) -> list[str]:
        """Covered must be what was covered before and this batch's ranges, which must not overlap."""
        before, said = self.covered, {}
        for topic, partitions in manifest.covered.items():
            said.update({(topic, partition): merged(intervals) for partition, intervals in partitions.items()})
        self.covered = said
        new: dict[TopicPartition, Intervals] = {}
        errors = []
        for topic, partition, start, end in manifest.ranges:
            if not 0 <= start < end:
                errors.append(f"range {topic}[{partition}] [{start}, {end}) is none")
            new.setdefault((topic, partition), []).append((start, end))
        for topic, partition in sorted(before.keys() | new.keys() | said.keys()):
            parts = before.get((topic, partition), []) + new.get((topic, partition), [])
            union = merged(parts)
            if _size(union) != _size(parts):
                errors.append(f"ranges of {topic}[{partition}] overlap what is covered")
            if said.get((topic, partition), []) != union:
                errors.append(f"covered of {topic}[{partition}] should be {union}, is {said.get((topic, partition))}")
        return errors


def _name(seq: int) -> str:
    return f"{seq // 1000:07d}/{seq:010d}"


def merged(intervals: Intervals) -> Intervals:
    """The same offsets as sorted, disjoint, not touching, not empty intervals."""
    out: Intervals = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif start < end:
            out.append((start, end))
    return out


def _size(intervals: Intervals) -> int:
    return sum(end - start for start, end in intervals)


def _files(manifest: Manifest, lengths: dict[str, int]) -> list[str]:
    listed = {file.path: file.bytes for file in manifest.files}
    errors = [f"{path} is not in the manifest" for path in sorted(lengths.keys() - listed.keys())]
    for path, length in listed.items():
        if path not in lengths:
            errors.append(f"{path} is missing")
        elif lengths[path] != length:
            errors.append(f"{path} has {lengths[path]} bytes, the manifest says {length}")
    return errors
