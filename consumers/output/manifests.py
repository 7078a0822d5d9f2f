"""The manifest of a batch and the arithmetic of what is covered. Knows offsets and our format,
neither Spark nor Kafka."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

VERSION = 2

Partition = tuple[str, int]
Interval = tuple[int, int]
Range = tuple[str, int, int, int]  # topic, partition, from, until
Covered = dict[Partition, list[Interval]]
"""What is published: for each partition sorted, disjoint, half-open intervals. The first one begins
where the partition began when the output was new, and may be empty ([b, b]): so a late block below
a published one still counts as missing."""


def add(intervals: list[Interval], new: Interval) -> list[Interval]:
    """The intervals with [new) in them, joined where they touch."""
    merged: list[Interval] = []
    for start, end in sorted([*intervals, new]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def missing(intervals: list[Interval], wanted: Interval) -> list[Interval]:
    """The parts of [wanted) that the intervals do not hold."""
    out = []
    start, end = wanted
    for covered_from, covered_until in intervals:
        if covered_until <= start or covered_from >= end:
            continue
        if covered_from > start:
            out.append((start, covered_from))
        start = max(start, covered_until)
    if start < end:
        out.append((start, end))
    return out


def frontier(intervals: list[Interval]) -> int:
    """The first offset that is not covered."""
    return intervals[0][1] if intervals else 0


class OtherVersion(ValueError):
    """The manifest is of another version of the format, or has a field that this one does not
    know."""


@dataclass(frozen=True)
class Manifest:
    """One published batch of the output `identity`.

    `ranges` are [topic, partition, from, until); `files` [{path, bytes, records}]; `leader_epochs`
    is Kafka's leader epoch of the last record published from each partition, in this batch or an
    earlier one.
    """

    identity: str
    seq: int
    epoch: int
    commit_id: str
    approach: str
    batch_time: str
    previous: str | None
    topics: dict[str, str]
    ranges: list[Range]
    covered: Covered
    counts: dict[str, int]
    files: list[dict[str, Any]]
    scorer: str
    accepted_loss: str | None = None
    leader_epochs: dict[Partition, int] = field(default_factory=dict)
    version: int = field(default=VERSION)

    def to_bytes(self) -> bytes:
        """The manifest as JSON; covered and leader_epochs are by topic, then by partition."""
        content = {"version": self.version, **asdict(self)}
        content["covered"], content["leader_epochs"] = (
            by_topic(self.covered),
            by_topic(self.leader_epochs),
        )
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """The manifest in `data`. Raises ValueError when it is not a manifest, OtherVersion (a
        ValueError) when it is of another format."""
        try:
            content = content_of(data, cls, "manifest", VERSION)
            content["leader_epochs"] = {
                (topic, int(partition)): epoch
                for topic, partitions in content["leader_epochs"].items()
                for partition, epoch in partitions.items()
            }
            return cls(**content)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"not a manifest: {error!r}") from None


def content_of(data: bytes, kind: Any, name: str, version: int) -> dict[str, Any]:
    """The fields of a manifest of this dataclass, called `name` in messages: `covered` by
    partition, `ranges` as tuples, the others as JSON has them.

    Raises OtherVersion for another version or unknown fields, KeyError, TypeError, AttributeError
    or json.JSONDecodeError for what is no manifest.
    """
    content: dict[str, Any] = json.loads(data)
    if content["version"] != version:
        raise OtherVersion(f"{name} version {content['version']}, this program knows {version}")
    if unknown := sorted(content.keys() - {known.name for known in fields(kind)}):
        raise OtherVersion(
            f"the {name} has fields that this program does not know: {', '.join(unknown)}"
        )
    content["covered"] = by_partition(content["covered"])
    content["ranges"] = [tuple(row) for row in content["ranges"]]
    return content


def by_topic(values: Mapping[Partition, Any]) -> dict[str, dict[str, Any]]:
    """The values as a manifest has them: by topic, then by partition."""
    out: dict[str, dict[str, Any]] = {}
    for (topic, partition), value in sorted(values.items()):
        out.setdefault(topic, {})[str(partition)] = value
    return out


def by_partition(covered: Mapping[str, Mapping[str, Any]]) -> Covered:
    """The intervals of a manifest's `covered`, by partition."""
    return {
        (topic, int(partition)): [(start, end) for start, end in intervals]
        for topic, partitions in covered.items()
        for partition, intervals in partitions.items()
    }


def digest(data: bytes) -> str:
    """The hash by which the next manifest names this one."""
    return hashlib.sha256(data).hexdigest()


def cover(covered: Covered, ranges: Iterable[Range]) -> Covered:
    """`covered` with these ranges added; a partition that it does not know yet began at 0 (it was
    added while we ran)."""
    out = dict(covered)
    for topic, partition, start, end in ranges:
        out[topic, partition] = add(out.get((topic, partition), [(0, 0)]), (start, end))
    return out


def latest(known: Mapping[Partition, int], new: Mapping[Partition, int]) -> dict[Partition, int]:
    """The leader epoch of each partition's last record: epochs grow with the offsets, so that a
    late block lowers none."""
    return {
        partition: max(known.get(partition, -1), new.get(partition, -1))
        for partition in known.keys() | new.keys()
    }


def frontiers(covered: Covered) -> dict[Partition, int]:
    """The first offset of each partition that is not covered."""
    return {partition: frontier(intervals) for partition, intervals in covered.items()}


def reached(covered: Covered, ends: Mapping[Partition, int]) -> bool:
    """Whether everything below these ends is covered."""
    return all(frontier(covered.get(partition, [])) >= end for partition, end in ends.items())
