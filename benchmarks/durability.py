"""What it costs that a power cut takes no part of a batch: batches forced to the disks and plain
ones in turn, in one driver.

    scripts/submit benchmarks/durability.py [BATCHES [RECORDS OF A BATCH]]

All go the direct job's way. The part files of the even ones are forced to the DataNode's disk
before they are published, as the jobs do; those of the odd ones are closed only. (The manifest is
forced in both.) Prints medians and quartiles, adds them to build/bench/durability.json under the
size of the batches. Needs the services (scripts/services start) on their usual ports, or
TWEETS_BOOTSTRAP and TWEETS_OUTPUT.
"""

import json
import os
import statistics
import sys
import time
from functools import partial
from typing import Any

from pyspark.rdd import RDD

from benchmarks.exactly_once import ROOT, WARM_UP, produce
from consumers.driver import contexts, opening, running
from consumers.driver.driver import Driver
from kafka_dstreams import direct_frames, offset_ranges

PARTITIONS = 3


def figures(measured: dict[str, list[float]]) -> dict[str, Any]:
    """Of each way the seconds a batch takes, and how many times as long a forced one takes, by the
    medians."""
    ways: dict[str, Any] = {}
    for way, seconds in measured.items():
        first, median, third = statistics.quantiles(seconds[WARM_UP:], n=4)
        ways[way] = {"batches": len(seconds[WARM_UP:])} | {
            name: round(value, 4)
            for name, value in (("q1_s", first), ("median_s", median), ("q3_s", third))
        }
    return {**ways, "ratio": round(ways["forced"]["median_s"] / ways["closed"]["median_s"], 3)}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 80
    records = int(sys.argv[2]) if len(sys.argv) > 2 else 12_000
    topic = f"bench-forced-{int(time.time())}"
    produce(topic, count * records)
    base = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").partition(
        "/tweets/"
    )[0]
    sys.argv[1:] = [
        "--topic",
        topic,
        "--output",
        f"{base}/bench/{topic}",
        "--batch-interval-s",
        "1",
    ]
    opening.main("direct", __doc__, partial(run, count, records))


def run(count: int, records: int, driver: Driver) -> None:
    """Measure this number of batches."""
    # batches of one size
    conf = {"spark.streaming.backpressure.enabled": "false"}
    conf["spark.streaming.kafka.maxRatePerPartition"] = str(records // PARTITIONS)
    ssc = contexts.streaming_context(driver.settings, conf)
    measured: dict[str, list[float]] = {"forced": [], "closed": []}

    def store(rdd: RDD[bytes]) -> None:
        if not any(
            start < end for part in offset_ranges(rdd) for _topic, _partition, start, end in part
        ):
            return
        way = min(measured, key=lambda way: len(measured[way]))
        driver.storage.forced = way == "forced"
        begun = time.perf_counter()
        driver.store(rdd)
        measured[way].append(time.perf_counter() - begun)

    start = driver.frontiers()
    direct_frames(ssc, driver.topics, driver.params, start=start).foreachRDD(store)
    driver.done = lambda: sum(map(len, measured.values())) >= count  # type: ignore[method-assign]
    running.run(ssc, driver)
    file = ROOT / "build" / "bench" / "durability.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(file.read_text()) if file.exists() else {}
    results[f"{records} records a batch"] = figures(measured)
    file.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
