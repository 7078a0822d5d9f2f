"""How long a stream over an output needs from its start to the end of its first trigger, by
`published_tweets` and by Spark's own file source over the same batches; each trigger is one batch.

    scripts/submit benchmarks/published_stream.py [BATCHES [TWEETS PER BATCH]]

By default 1,000 batches of 12 invented tweets, written as in benchmarks/compaction.py; 10,000 show
more of the difference, for the file source lists every folder. Writes
benchmarks/results/published_stream.json, one entry for each number of batches. Needs HDFS
(scripts/services start namenode datanode-1), where TWEETS_OUTPUT and TWEETS_WEBHDFS say.
"""

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

from benchmarks.compaction import fill
from config.errors import exit_with
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from consumers.tweets import SCHEMA
from units.source import PublishedTweets

RESULTS = Path(__file__).resolve().parent / "results" / "published_stream.json"
ROUNDS = 5


def first_trigger(rows: DataFrame) -> dict[str, float]:
    """Seconds from the start of a new query to its first progress, and those of them that the
    source took to say what there is."""
    checkpoint, began = tempfile.mkdtemp(), time.monotonic()
    sink = rows.writeStream.format("noop").option("checkpointLocation", checkpoint)
    query = sink.start()
    while query.lastProgress is None or not query.lastProgress.numInputRows:
        if query.exception():
            raise query.exception()
        time.sleep(0.01)
    took = time.monotonic() - began
    told = next(one for one in query.recentProgress if one.numInputRows)
    query.stop()
    return {"first_trigger_s": took, "latest_offset_s": told.durationMs["latestOffset"] / 1000}


def medians(rows: DataFrame) -> dict[str, float]:
    """The medians of the rounds, the first of which warms up and does not count."""
    found = [first_trigger(rows) for _ in range(ROUNDS + 1)][1:]
    return {name: round(statistics.median(one[name] for one in found), 2) for name in found[0]}


def main() -> None:
    """Write the batches, start the streams, and write the figures down."""
    batches, each = (int(word) for word in (sys.argv[1:] + ["1000", "12"][len(sys.argv) - 1 :]))
    address = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}")
    output = f"{address.partition('/tweets/')[0]}/bench/stream-{int(time.time())}"
    spark = SparkSession.builder.getOrCreate()
    files = Storage(output)
    fill(files, Ownership.claim(files, "direct"), batches, each)
    spark.dataSource.register(PublishedTweets)
    ours = spark.readStream.format("published_tweets").option("maxBatches", 1).load(output)
    theirs = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    figures: dict[str, Any] = {"tweets_a_batch": each, "rounds": ROUNDS, "load": os.getloadavg()[0]}
    figures["published_tweets"] = medians(ours)
    figures["file_source"] = medians(theirs.json(f"{output}/batches/*/*/tweets"))
    spark.stop()
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, str(batches): figures}, indent=1) + "\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    exit_with(main)
