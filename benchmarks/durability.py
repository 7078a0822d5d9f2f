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
from typing import Any

from pyspark.rdd import RDD

from benchmarks.exactly_once import ROOT, WARM_UP, produce
from consumers.driver import batches, opening, running
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
    job = opening.open_job("direct", __doc__ or "")
    storage = batches.current.storage if batches.current else None
    assert storage is not None
    # batches of one size
    conf = {**opening.spark_conf(job.settings), "spark.streaming.backpressure.enabled": "false"}
    conf["spark.streaming.kafka.maxRatePerPartition"] = str(records // PARTITIONS)
    ssc = running.streaming_context(job.name, job.settings.batch_interval_s, conf)
    measured: dict[str, list[float]] = {"forced": [], "closed": []}

    def store(rdd: RDD[bytes]) -> None:
        if not any(
            start < end for part in offset_ranges(rdd) for _topic, _partition, start, end in part
        ):
            return
        way = min(measured, key=lambda way: len(measured[way]))
        storage.forced = way == "forced"
        begun = time.perf_counter()
        batches.store(rdd)
        measured[way].append(time.perf_counter() - begun)

    direct_frames(ssc, job.topics, job.params, start=job.frontiers()).foreachRDD(store)
    running.run(
        ssc,
        job.failure,
        lambda: sum(map(len, measured.values())) >= count,
        job.settings.stop_timeout_s,
    )
    file = ROOT / "build" / "bench" / "durability.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(file.read_text()) if file.exists() else {}
    results[f"{records} records a batch"] = figures(measured)
    file.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    opening.main(main)
