"""What exactly once costs: the direct job's batches and plain ones in turn, in one driver on one
topic.

    scripts/submit benchmarks/exactly_once.py [TWEETS]

Even batches go the job's way: staged, a manifest, one rename, the group's offsets. Odd ones are
parsed, scored and encoded by the same function and written by saveAsTextFile, which may lose and
double them. Prints medians, writes build/bench/exactly-once.json. Needs the services
(scripts/services start) on their usual ports, or TWEETS_BOOTSTRAP and TWEETS_OUTPUT.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.rdd import RDD

from consumers.driver import contexts, opening, running
from consumers.driver.driver import Driver
from consumers.tweets.lines import lines
from kafka_dstreams import direct_frames, layout, offset_ranges

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 2  # batches of each way that are not counted


def plainly(rdd: RDD[bytes], folder: str, max_bytes: int) -> None:
    """The lines of a batch, written in Spark's usual way."""
    wanted = [[tuple(row) for row in part] for part in offset_ranges(rdd)]

    def write(index: int, frames: Iterator[bytes]) -> Iterator[bytes]:
        for data in frames:
            found = lines(data, layout(data), wanted[index], max_bytes)
            for piece in (*found.tweets, *found.rejected):  # of many lines each
                yield from bytes(piece).removesuffix(b"\n").split(b"\n")

    codec = "org.apache.hadoop.io.compress.GzipCodec"
    rdd.mapPartitionsWithIndex(write).saveAsTextFile(folder, compressionCodecClass=codec)


def produce(topic: str, tweets: int) -> None:
    """Publish this number of invented tweets onto the topic."""
    command = [
        sys.executable,
        "-m",
        "producer",
        "--source",
        "sample",
        "--topic",
        topic,
        "--max-posts",
        str(tweets),
        "--report",
        os.devnull,
    ]
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


def figures(measured: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Medians of each way, and the job's share of the plain one's throughput."""
    ways = {
        way: {
            "batches": len(rows[WARM_UP:]),
            **{
                name: round(statistics.median(row[name] for row in rows[WARM_UP:]), 2)
                for name in rows[0]
            },
        }
        for way, rows in measured.items()
    }
    ratio = ways["exactly_once"]["records_per_s"] / ways["plain"]["records_per_s"]
    return {**ways, "throughput_ratio": round(ratio, 3), "cores": os.cpu_count()}


def main() -> None:
    tweets = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    topic = f"bench-once-{int(time.time())}"
    produce(topic, tweets)
    base = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").partition(
        "/tweets/"
    )[0]
    output = f"{base}/bench/{topic}"
    # for each of three partitions: at least six batches, three of each way
    rate = min(4000, tweets // 18)
    sys.argv[1:] = [
        "--topic",
        topic,
        "--output",
        f"{output}/once",
        "--max-rate",
        str(rate),
        "--batch-interval-s",
        "1",
    ]
    opening.main("direct", __doc__, partial(run, tweets, f"{output}/plain"))


def run(tweets: int, plain: str, driver: Driver) -> None:
    """Measure batches of both ways until this number of tweets is written; plain ones go below the
    folder `plain`."""
    # batches of one size
    conf = {"spark.streaming.backpressure.enabled": "false"}
    ssc = contexts.streaming_context(driver.settings, conf)
    measured: dict[str, list[dict[str, float]]] = {"exactly_once": [], "plain": []}
    done = 0

    def store(rdd: RDD[bytes]) -> None:
        nonlocal done
        records = sum(
            end - start for part in offset_ranges(rdd) for _topic, _partition, start, end in part
        )
        if not records:
            return
        way = min(measured, key=lambda way: len(measured[way]))
        begun = time.perf_counter()
        if way == "plain":
            folder = f"{plain}/{len(measured[way])}"
            plainly(rdd, folder, driver.settings.max_tweet_bytes)
        else:
            driver.store(rdd)
        seconds = time.perf_counter() - begun
        measured[way].append(
            {"records": records, "seconds": seconds, "records_per_s": records / seconds}
        )
        done += records

    start = driver.frontiers()
    direct_frames(ssc, driver.topics, driver.params, start=start).foreachRDD(store)
    driver.done = lambda: done >= tweets  # type: ignore[method-assign]
    running.run(ssc, driver)
    result = figures(measured)
    file = ROOT / "build" / "bench" / "exactly-once.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
