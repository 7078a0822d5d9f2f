"""What a batch costs the driver beside its tasks: milliseconds at 4, 16, 64 and 256 tasks, with one
rename after the other and with eight at once, by turns in one run.

    scripts/services start
    eval "$(scripts/services env)"
    scripts/submit benchmarks/commits.py [ROUNDS]

Each task writes one small file to the NameNode and DataNode of this machine. On a network each call
takes longer by a round trip, so there more is gained.
"""

import json
import os
import statistics
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark import SparkContext

from benchmarks.machine import about
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage

FILE = Path(__file__).with_name("results") / "commits.json"
TASKS = (4, 16, 64, 256)
AT_ONCE = (1, 4, 8, 16)
TOPIC = "tweets"


def parts(_index: int, _rows: Any) -> Any:
    """What one task yields: a small file of tweets, and its summary."""
    yield b"T" + b"x" * 1000
    yield b'S{"tweets": 1, "deleted": 0, "rejected": 0}'


def batch(sc: SparkContext, output: Output, storage: Storage, tasks: int) -> tuple[float, float]:
    """Publish one batch; the milliseconds that its tasks took, and those of the driver alone."""
    begun = time.monotonic()
    stage = output.stage()
    staged = time.monotonic()
    blobs = sc.parallelize(range(tasks), tasks).mapPartitionsWithIndex(parts)
    found = storage.write_parts(blobs, stage.parts)
    done = time.monotonic()
    files = [
        {"kind": kind, "name": name, "bytes": size, "records": 1}
        for part in found
        for kind, (name, size) in part["files"].items()
    ]
    assert len(files) == tasks
    output.publish(stage, Batch([(TOPIC, 0, stage.seq, stage.seq + 1)], {"tweets": 1}, files))
    published = time.monotonic()
    return (done - staged) * 1000, (published - done + staged - begun) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    sc = SparkContext(appName="commits")
    hdfs = os.environ["TWEETS_OUTPUT"].split("/tweets/")[0]
    storage = Storage(f"{hdfs}/bench/commits-{uuid.uuid4().hex[:8]}")
    storage.mkdirs("")
    own = Ownership.claim(storage, "direct")
    output = Output.take_over(own, "none", {TOPIC: "none"}, {(TOPIC, 0): (0, 1)})
    driver: dict[int, dict[int, list[float]]] = {n: {k: [] for k in AT_ONCE} for n in TASKS}
    in_tasks: dict[int, list[float]] = {n: [] for n in TASKS}
    for round_ in range(-1, rounds):  # the first warms up
        for tasks in TASKS:
            for at_once in AT_ONCE:
                storage._pool = ThreadPoolExecutor(at_once)
                tasks_ms, driver_ms = batch(sc, output, storage, tasks)
                if round_ >= 0:
                    driver[tasks][at_once].append(driver_ms)
                    in_tasks[tasks].append(tasks_ms)
    storage.delete("")
    report = {
        "machine": about(),
        "rounds": rounds,
        "tasks": {
            str(n): {
                "driver_ms_by_renames_at_once": {
                    str(k): round(statistics.median(values), 1) for k, values in driver[n].items()
                },
                "tasks_ms": round(statistics.median(in_tasks[n]), 1),
            }
            for n in TASKS
        },
    }
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report["tasks"], indent=1))
    sc.stop()


if __name__ == "__main__":
    main()
