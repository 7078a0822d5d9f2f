"""What a batch is made of: the ranges that are wanted of it, the function of its tasks, and what
they report."""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from isal import igzip

from consumers.output import manifests
from consumers.output.manifests import Range
from consumers.tweets.lines import lines
from kafka_dstreams import OffsetRange, layout

KINDS = ("tweets", "deleted", "rejected")


def unpublished(parts: list[list[OffsetRange]], covered: manifests.Covered) -> list[list[Range]]:
    """For each RDD partition the ranges that are not published yet, neither earlier nor by a
    partition before it.

    A receiver may deliver a record twice; here the second one is left out.
    """
    seen = dict(covered)
    out = []
    for ranges in parts:
        wanted: list[Range] = []
        for topic, partition, start, end in ranges:
            known = seen.get((topic, partition), [(0, 0)])
            wanted += [(topic, partition, *gap) for gap in manifests.missing(known, (start, end))]
            seen[topic, partition] = manifests.add(known, (start, end))
        out.append(wanted)
    return out


def records(ranges: Iterable[Range | OffsetRange]) -> int:
    """How many offsets the ranges hold."""
    return sum(end - start for _topic, _partition, start, end in ranges)


def task(
    wanted: list[list[Range]], max_bytes: int
) -> Callable[[int, Iterable[bytes]], Iterator[bytes]]:
    """The function of one task. It runs on an executor and captures plain values only."""

    def run(index: int, frames: Iterable[bytes]) -> Iterator[bytes]:
        counts, newest_ms = Counter(dict.fromkeys(KINDS, 0)), 0
        reasons: Counter[str] = Counter()
        if wanted[index]:
            for data in frames:
                found = lines(data, layout(data), wanted[index], max_bytes)
                newest_ms = max(newest_ms, found.newest_ms)
                counts.update(found.counts)
                reasons.update(found.reasons)
                for tag, pieces in ((b"T", found.tweets), (b"R", found.rejected)):
                    if pieces:
                        # an array is joined as its bytes, which its types do not say
                        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)  # type: ignore[arg-type]
                        yield tag + igzip.compress(piece, 1)
            _settle()
        yield b"S" + json.dumps({**counts, "newest_ms": newest_ms, "reasons": reasons}).encode()

    return run


@cache
def _settle() -> None:
    """Once per worker, after everything is loaded: PySpark collects garbage after each task, and
    would walk through all of it each time."""
    gc.freeze()


def reported(parts: list[dict[str, Any]]) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """The sum of the tasks' counts, and their files as {kind, name, bytes, records}."""
    counts: Counter[str] = Counter()
    files = []
    for part in parts:
        found = part["summary"]
        counts.update({kind: found[kind] for kind in KINDS})
        held = {"tweets": found["tweets"] + found["deleted"], "rejected": found["rejected"]}
        files += [
            {"kind": kind, "name": name, "bytes": size, "records": held[kind]}
            for kind, (name, size) in part["files"].items()
        ]
    return dict(counts), files


def newest_ms(parts: list[dict[str, Any]]) -> int:
    """Kafka's time of the newest record that the tasks read, in ms; 0 where they read none."""
    return max((part["summary"]["newest_ms"] for part in parts), default=0)


def reasons(parts: list[dict[str, Any]]) -> Counter[str]:
    """How many records were rejected for each reason."""
    return sum((Counter(part["summary"]["reasons"]) for part in parts), Counter())
