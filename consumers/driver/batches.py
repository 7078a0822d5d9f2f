"""What both jobs do with a batch: parse, score, stage, publish."""

import gc
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from isal import igzip
from py4j.protocol import Py4JJavaError
from pyspark.rdd import RDD

from consumers.output import fail_points, manifests
from consumers.output.commits import Batch, Output
from consumers.output.holes import Holes
from consumers.output.storage import Storage
from consumers.tweets.lines import lines
from kafka_dstreams import OffsetRange, layout, leader_epochs, offset_ranges

LOG = logging.getLogger("batches")


@dataclass
class Job:
    """This driver's job. A checkpoint freezes what a stream's function holds, so `store` holds
    nothing and asks here."""

    storage: Storage
    output: Output
    max_tweet_bytes: int
    # raises where what was read may be of other topics than the output's
    check: Callable[[], None] = lambda: None
    published: Callable[[], None] = lambda: None  # told after each commit
    holes: Holes = field(default_factory=Holes)
    failure: BaseException | None = None


current: Job | None = None


def store(rdd: RDD[bytes]) -> None:
    """Publish the frames of one batch. Runs on the driver, for each batch of either job.

    After a failure no later batch runs: it would publish records behind a gap.
    """
    job = current
    if job is None or job.failure is not None:
        raise RuntimeError("this batch waits for the next start: an earlier one failed")
    try:
        _store(rdd, job)
    except BaseException as error:
        job.failure = error
        # Tasks of a driver that lost its output find their folder gone and fail in many ways; the
        # reason is this one.
        if isinstance(error, Py4JJavaError) and not job.output.own.holds():
            job.failure = job.output.own.lost()
        raise job.failure from error


def _store(rdd: RDD[bytes], job: Job) -> None:
    started = time.monotonic()
    job.holes.check(job.output.covered)
    delivered = offset_ranges(rdd)
    wanted = _unpublished(delivered, job.output.covered)
    ranges = [row for part in wanted for row in part]
    again = _records(row for part in delivered for row in part) - _records(ranges)
    if again:
        LOG.info("%d records were delivered again and stay out", again)
    if not ranges:
        if again:  # unless they are a new topic's, whose offsets begin at 0 once more
            job.check()
        # a driver without records would not learn it for as long as the topic is idle
        if not job.output.own.holds():
            raise job.output.own.lost()
        return
    stage = job.output.stage()
    parts = job.storage.write_parts(
        rdd.mapPartitionsWithIndex(_task(wanted, job.max_tweet_bytes)), stage.parts
    )
    counts: Counter[str] = Counter()
    files = []
    for part in parts:
        counts.update(part["summary"])
        for kind, (name, size) in part["files"].items():
            records = (
                part["summary"]["rejected"]
                if kind == "rejected"
                else part["summary"]["tweets"] + part["summary"]["deleted"]
            )
            files.append({"kind": kind, "name": name, "bytes": size, "records": records})
    job.check()  # after the reading and before the publishing
    manifest = job.output.publish(stage, Batch(ranges, dict(counts), files, leader_epochs(rdd)))
    fail_points.visit("published")
    job.published()
    shown = " ".join(f"{topic}[{p}] [{start}, {end})" for topic, p, start, end in ranges[:4]) + (
        " …" if len(ranges) > 4 else ""
    )
    LOG.info(
        "batch %d: %s, %s, %.1f s",
        manifest.seq,
        shown,
        ", ".join(f"{n} {k}" for k, n in counts.items()),
        time.monotonic() - started,
    )


def _unpublished(
    parts: list[list[OffsetRange]], covered: manifests.Covered
) -> list[list[tuple[str, int, int, int]]]:
    """For each RDD partition the ranges that nobody has published, neither earlier nor in a
    partition before it.

    A receiver may bring a record twice; this is where the second one stays out.
    """
    seen = dict(covered)
    out = []
    for ranges in parts:
        wanted = []
        for topic, partition, start, end in ranges:
            known = seen.get((topic, partition), [(0, 0)])
            wanted += [(topic, partition, *gap) for gap in manifests.missing(known, (start, end))]
            seen[topic, partition] = manifests.add(known, (start, end))
        out.append(wanted)
    return out


def _records(ranges: Iterable[tuple[str, int, int, int]]) -> int:
    return sum(end - start for _topic, _partition, start, end in ranges)


def _task(
    wanted: list[list[tuple[str, int, int, int]]], max_bytes: int
) -> Callable[[int, Iterator[bytes]], Iterator[bytes]]:
    """The function of one task. It runs on an executor and captures plain values only."""

    def run(index: int, frames: Iterator[bytes]) -> Iterator[bytes]:
        counts = Counter(tweets=0, deleted=0, rejected=0)
        if wanted[index]:
            for data in frames:
                found = lines(data, layout(data), wanted[index], max_bytes)
                counts.update(found.counts)
                for tag, pieces in ((b"T", found.tweets), (b"R", found.rejected)):
                    if pieces:
                        yield tag + igzip.compress(
                            pieces[0] if len(pieces) == 1 else b"".join(pieces), 1
                        )
            _settle()
        yield b"S" + json.dumps(counts).encode()

    return run


@cache
def _settle() -> None:
    """Once a worker, with all loaded that it needs: PySpark collects garbage after each task, and
    would look through it all."""
    gc.freeze()
