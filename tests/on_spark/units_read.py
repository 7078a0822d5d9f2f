"""Reads an output as the README shows, with Spark: OUTPUT WEBHDFS FOLDER. Prints its records in
JSON, those of `published_tweets` too: as a table, and as a stream that keeps its place in FOLDER
and ends twice, after one batch and after all."""

import json
import sys
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from units.reading import tweets
from units.source import PublishedTweets

COLUMNS = (
    "kafka.partition p, kafka.offset o, id, deleted, text, created_at, sentiment.label l,"
    " base64(tweet) tweet"
)
output, webhdfs, folder = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
spark.dataSource.register(PublishedTweets)


def rows(found: DataFrame) -> list[dict[str, Any]]:
    """The rows, in any order."""
    return [row.asDict() for row in found.selectExpr(*COLUMNS.split(", ")).collect()]


def streamed(kind: str) -> DataFrame:
    """What a stream of one batch per trigger writes, then one of all that is left."""
    source = spark.readStream.format("published_tweets").option("webhdfs", webhdfs)
    sink = f"{folder}/{kind}"
    for limit in ("1", "0"):
        query = (
            source.option("kind", kind)
            .option("maxBatches", limit)
            .load(output)
            .writeStream.format("parquet")
            .option("path", sink)
            .option("checkpointLocation", f"{folder}/{kind}-checkpoint")
        )
        if limit == "1":
            running = query.start()
            while not running.lastProgress and running.isActive:
                running.awaitTermination(0.1)
            running.stop()
        else:
            query.trigger(availableNow=True).start().awaitTermination()
    return spark.read.parquet(sink)


def snapshot(kind: str) -> DataFrame:
    """The same as a table."""
    source = spark.read.format("published_tweets").option("webhdfs", webhdfs)
    return source.option("kind", kind).load(output)


said = {
    "rows": rows(tweets(spark, output, webhdfs=webhdfs)),
    "table": rows(snapshot("tweets")),
    "stream": rows(streamed("tweets")),
    "rejected": [
        found.count()
        for found in (
            tweets(spark, output, "rejected", webhdfs),
            snapshot("rejected"),
            streamed("rejected"),
        )
    ],
}
print(json.dumps(said, default=str))
