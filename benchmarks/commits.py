"""What a batch costs the driver beside its tasks: milliseconds at 4, 16, 64 and 256 tasks, with one
rename after the other and with eight at once, by turns in one run.

    scripts/services start
    eval "$(scripts/services env)"
    scripts/submit benchmarks/commits.py [ROUNDS]

The tasks' files, one of a kilobyte for each, are made before the clock runs. NameNode and DataNode
are on this machine; on a network each call takes longer by a round trip, so there more is gained.
"""

import json
import os
import statistics
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark import SparkContext

from benchmarks.machine import about
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage

FILE = Path(__file__).with_name("results") / "commits.json"
TASKS = (4, 16, 64, 256)
AT_ONCE = (1, 8)
TOPIC = "tweets"


def batch(output: Output, storage: Storage, tasks: int, at_once: int) -> float:
    """Publish one batch; the milliseconds that it takes the driver, but for its tasks."""
    begun = time.monotonic()
    stage = output.stage()
    staged = time.monotonic()
    names = [f"tweets-{number:05d}-0.json.gz" for number in range(tasks)]
    storage._pool = ThreadPoolExecutor(8)
    storage.each(lambda name: storage.create(f"{stage.parts}/{name}", b"x" * 1000), names)
    storage._pool = ThreadPoolExecutor(at_once)
    files = [{"kind": "tweets", "name": name, "bytes": 1000, "records": 1} for name in names]
    done = time.monotonic()
    output.publish(stage, Batch([(TOPIC, 0, stage.seq, stage.seq + 1)], {"tweets": 1}, files))
    return (time.monotonic() - done + staged - begun) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    sc = SparkContext(appName="commits")
    hdfs = os.environ["TWEETS_OUTPUT"].split("/tweets/")[0]
    storage = Storage(f"{hdfs}/bench/commits-{uuid.uuid4().hex[:8]}")
    storage.mkdirs("")
    own = Ownership.claim(storage, "direct")
    output = Output.take_over(own, "none", {TOPIC: "none"}, {(TOPIC, 0): (0, 1)})
    driver: dict[int, dict[int, list[float]]] = {n: {k: [] for k in AT_ONCE} for n in TASKS}
    for round_ in range(-1, rounds):  # the first warms up
        for tasks in TASKS:
            for at_once in AT_ONCE:
                took_ms = batch(output, storage, tasks, at_once)
                if round_ >= 0:
                    driver[tasks][at_once].append(took_ms)
    storage.delete("")
    report = {
        "machine": about(),
        "rounds": rounds,
        "driver_ms_by_tasks_and_renames_at_once": {
            str(n): {str(k): round(statistics.median(ms), 1) for k, ms in driver[n].items()}
            for n in TASKS
        },
    }
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    sc.stop()


if __name__ == "__main__":
    main()
