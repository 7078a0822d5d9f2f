"""What a stream's start costs against the number of batches: `published_tweets`, and Spark's own
file source over the same output.

    scripts/submit benchmarks/published_stream.py [BATCHES …]

Measured is a new query from its start to the end of its first trigger, which reads the first batch,
twelve invented tweets; the others are empty folders, for no source reads them in that trigger. (The
file source would list a day's files too: this is the best case for it.) Both take turns; the
medians of three rounds after one that does not count. Without BATCHES it writes
benchmarks/results/published_stream.json. Needs HDFS (scripts/services start namenode datanode-1) on
its usual ports, or TWEETS_OUTPUT and TWEETS_WEBHDFS.
"""

import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# spark-submit puts this folder first, where views.py would hide the room of that name
sys.path.remove(str(Path(__file__).resolve().parent))

from pyspark.sql import DataFrame, SparkSession

from benchmarks.day import lines, link
from config.errors import exit_with
from consumers.output import chain
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from consumers.tweets import SCHEMA
from units.source import PublishedTweets

RESULTS = Path(__file__).resolve().parent / "results" / "published_stream.json"
BATCHES, ROUNDS, TWEETS = (1_000, 10_000, 100_000), 3, 12
LISTED = 10_000  # beyond it Spark's file source takes minutes per round


def first_batch(files: Storage, own: Ownership) -> None:
    """The one that is read."""
    data = gzip.compress(b"\n".join(line for _, line in lines(TWEETS)) + b"\n", 1)
    folder = chain.folder(0)
    files.mkdirs(f"{folder}/tweets")
    files.create(f"{folder}/tweets/part-00000-0.json.gz", data)
    manifest = link(own, 0, 0.0, None, 0, TWEETS, TWEETS, data)
    files.create(f"{folder}/_manifest.json", manifest)


def first_trigger(rows: DataFrame) -> dict[str, float]:
    """Seconds from the start of a new query to the end of the trigger that has rows, and those of
    them in which the source said what there is."""
    sink = rows.writeStream.format("noop").option("checkpointLocation", tempfile.mkdtemp())
    began = time.monotonic()
    query = sink.start()
    while not any(one.numInputRows for one in query.recentProgress):
        if query.exception():
            raise RuntimeError(query.exception())
        time.sleep(0.02)
    took = time.monotonic() - began
    told = next(one for one in query.recentProgress if one.numInputRows)
    query.stop()
    assert told.numInputRows == TWEETS
    return {"first_trigger_s": took, "what_is_there_s": told.durationMs["latestOffset"] / 1000}


def measure(sources: dict[str, DataFrame]) -> dict[str, Any]:
    """The medians of each source, and the load of the machine meanwhile."""
    rounds = [
        {name: first_trigger(rows) for name, rows in sources.items()} for _ in range(ROUNDS + 1)
    ][1:]
    found: dict[str, Any] = {"load": round(os.getloadavg()[0], 1)}
    for name in sources:
        figures = {key: [one[name][key] for one in rounds] for key in rounds[0][name]}
        found[name] = {key: round(statistics.median(all_), 2) for key, all_ in figures.items()}
    return found


def main() -> None:
    """Write the batches, start the streams, print the figures and write them down."""
    address = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}")
    output = f"{address.partition('/tweets/')[0]}/bench/stream-{time.time_ns()}"
    spark = SparkSession.builder.getOrCreate()
    spark.dataSource.register(PublishedTweets)
    files = Storage(output)
    first_batch(files, Ownership.claim(files, "direct"))
    ours = spark.readStream.format("published_tweets").option("maxBatches", 1)
    theirs = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    found: dict[str, Any] = {"cores": os.cpu_count(), "rounds": ROUNDS}
    there = 1
    for batches in [int(word) for word in sys.argv[1:]] or BATCHES:
        for seq in range(there, batches):
            files.mkdirs(f"{chain.folder(seq)}/tweets")
        there = batches
        sources = {"published_tweets": ours.load(output)}
        if batches <= LISTED:
            sources["file_source"] = theirs.json(f"{output}/batches/*/*/tweets")
        found[str(batches)] = measure(sources)
        print(batches, json.dumps(found[str(batches)]), flush=True)
    files.delete("")
    if not sys.argv[1:]:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
