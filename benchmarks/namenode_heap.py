"""What a batch costs the NameNode: bytes of its heap and of its edit log, for good.

    scripts/submit benchmarks/namenode_heap.py [BATCHES]

Publishes a number of batches of three small files by the jobs' own commit code, without Kafka, and
counts the live objects of the services' NameNode after each tenth of them: medians of what was
added. Prints JSON. Needs HDFS (scripts/services start namenode datanode-1) on its usual port, or
TWEETS_OUTPUT.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyspark import SparkContext

from config import settings
from config.errors import exit_with
from config.venv import ROOT
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from local import jdk
from local.processes import Home

PARTITIONS, RECORDS = 3, 10
PARTS = 10  # looks at the heap
MONTH = 30 * 24 * 3600 // 2  # batches, one every 2 s


def live_bytes(pid: int) -> "Counter[str]":
    """The bytes of all objects that the JVM needs, by class, after a collection."""
    command = [str(jdk.home() / "bin" / "jcmd"), str(pid), "GC.class_histogram"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return Counter(
        {
            row[3]: int(row[2])
            for row in rows
            if len(row) >= 4 and row[0].endswith(":") and row[0][:-1].isdigit()
        }
    )


def edits_bytes(folder: Path) -> int:
    """What the edit log holds; the file in use ends in bytes kept free, which are not counted."""
    return sum(len(file.read_bytes().rstrip(b"\xff\x00")) for file in folder.glob("edits_*"))


def publish(output: Output, storage: Storage) -> None:
    """One batch of as many files as there are partitions, and its manifest."""
    stage, first = output.stage(), output.seq * RECORDS
    names = [
        f"tweets-{partition:05d}-{output.seq * PARTITIONS + partition}.json.gz"
        for partition in range(PARTITIONS)
    ]
    for name in names:
        storage.create(f"{stage.parts}/{name}", b"x")
    files = [{"kind": "tweets", "name": name, "bytes": 1, "records": RECORDS} for name in names]
    ranges = [("t", partition, first, first + RECORDS) for partition in range(PARTITIONS)]
    output.publish(stage, Batch(ranges, {"tweets": PARTITIONS * RECORDS}, files))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    home = Home(ROOT / settings.load("services", []).services_home)
    pid = home.pid("namenode")
    assert pid, "the services' NameNode does not run"
    base = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").partition(
        "/tweets/"
    )[0]
    with SparkContext("local[1]", "namenode heap"):
        storage = Storage(f"{base}/bench/heap-{int(time.time())}")
        offsets = {("t", number): (0, count * 2 * RECORDS) for number in range(PARTITIONS)}
        own = Ownership.claim(storage, "direct")
        output = Output.take_over(own, "none", {"t": "an id"}, offsets)
        for _ in range(50):
            publish(output, storage)
        edits = home.path / "namenode" / "data" / "current"
        seen, logged = [live_bytes(pid)], edits_bytes(edits)
        for _ in range(PARTS):
            for _ in range(count // PARTS):
                publish(output, storage)
            seen.append(live_bytes(pid))
        log = (edits_bytes(edits) - logged) // count
    print(json.dumps(figures(seen, log, count // PARTS), indent=1))


def figures(seen: "list[Counter[str]]", log: int, batches: int) -> dict[str, Any]:
    """Per batch: what was added to the heap between two looks of `batches` batches each, in total
    and by class."""

    def growth(bytes_of: "Callable[[Counter[str]], int]") -> int:
        return round(
            statistics.median(bytes_of(now) - bytes_of(then) for then, now in pairwise(seen))
            / batches
        )

    heap = growth(lambda classes: classes.total())
    by_class = {name: growth(lambda classes, name=name: classes[name]) for name in seen[-1]}  # type: ignore[misc]
    return {
        "batches": batches * PARTS,
        "files_a_batch": PARTITIONS + 1,
        "heap_bytes_a_batch": heap,
        "edits_bytes_a_batch": log,
        "heap_mb_at_the_start": seen[0].total() // 10**6,
        "heap_mb_a_month_at_2_s": heap * MONTH // 10**6,
        "edits_mb_a_month_at_2_s": log * MONTH // 10**6,
        "by_class": {
            name: grown
            for name, grown in sorted(by_class.items(), key=lambda item: -item[1])
            if grown > 0
        },
    }


if __name__ == "__main__":
    exit_with(main)
