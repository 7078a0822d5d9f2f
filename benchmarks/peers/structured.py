"""Structured Streaming, one run to the end of the topic, two ways: mapInArrow makes the line, or
Spark does around a pandas_udf.

structured.py --way map_in_arrow|pandas_udf …    run by scripts/submit, see contenders.py
"""

import argparse
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.peers import shared

TWEET = """
data struct<id: string, created_at: string, lang: string, author_id: string, text: string,
  public_metrics: struct<like_count: bigint, retweet_count: bigint, reply_count: bigint>,
  entities: struct<hashtags: array<struct<tag: string>>>,
  referenced_tweets: array<struct<type: string, id: string>>,
  geo: struct<place_id: string, coordinates: struct<coordinates: array<double>>>>,
includes struct<users: array<struct<id: string, username: string>>,
  places: array<struct<id: string, full_name: string, country_code: string,
    geo: struct<bbox: array<double>>>>>
"""
SENTIMENT = "compound double, neg double, neu double, pos double, label string"
# The row's columns behind `kafka`, in Spark's words; `place` and `point` are columns that are there
# before.
COLUMNS = {
    "id": "data.id",
    "source": "'x'",
    "created_at": "data.created_at",
    "lang": "data.lang",
    "author_id": "data.author_id",
    "author": "get(filter(includes.users, user -> user.id = data.author_id), 0).username",
    "likes": "data.public_metrics.like_count",
    "reposts": "data.public_metrics.retweet_count",
    "replies": "data.public_metrics.reply_count",
    "hashtags": "coalesce(data.entities.hashtags.tag, array())",
    "lat": "coalesce(point[1], (at.geo.bbox[1] + at.geo.bbox[3]) / 2)",
    "lon": "coalesce(point[0], (at.geo.bbox[0] + at.geo.bbox[2]) / 2)",
    "geo_kind": "if(point is not null, 'point', if(at is not null, 'place', null))",
    "country": "at.country_code",
    "place": "at.full_name",
    "is_repost": "coalesce(exists(data.referenced_tweets, one -> one.type = 'retweeted'), false)",
    "reply_to": "get(filter(data.referenced_tweets, one -> one.type = 'replied_to'), 0).id",
    "text": "data.text",
    "sentiment": "sentiment",
}
_score: dict[str, shared.Scorer] = {}  # one a Python worker


def scorer(name: str) -> shared.Scorer:
    if name not in _score:
        _score[name] = shared.scorer(name)
    return _score[name]


def map_in_arrow(records: DataFrame, name: str) -> DataFrame:
    """The lines, made in Python from whole batches."""

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        score = scorer(name)
        for batch in batches:
            coordinates = zip(
                *(batch[column].to_pylist() for column in ("topic", "partition", "offset", "ms")),
                strict=True,
            )
            found = shared.lines(
                list(zip(coordinates, batch["value"].to_pylist(), strict=True)), score
            )
            yield pa.RecordBatch.from_arrays(
                [pa.array([line[:-1] for line in found], pa.binary()).cast(pa.string())], ["value"]
            )

    return records.mapInArrow(rows, "value string")


def pandas_udf(records: DataFrame, name: str) -> DataFrame:
    """The lines, made by Spark; Python sees the texts only."""

    def sentiment(texts: pd.Series) -> pd.DataFrame:
        return pd.DataFrame.from_records(scorer(name)(texts.to_list()))

    def columns(**more: str) -> list[Column]:
        return [F.expr(words).alias(column) for column, words in more.items()]

    scored = F.pandas_udf(sentiment, SENTIMENT)(F.col("data.text"))  # type: ignore[call-overload]
    kafka = F.struct(
        F.col("topic"), F.col("partition"), F.col("offset"), F.col("ms").alias("timestamp")
    ).alias("kafka")
    row = F.to_json(F.struct(kafka, *columns(**COLUMNS)), {"ignoreNullFields": "false"})
    return (
        records.withColumn("value", F.col("value").cast("string"))
        .select("*", F.from_json("value", TWEET).alias("found"))
        .select("topic", "partition", "offset", "ms", "value", "found.*")
        .withColumns({"sentiment": scored, "point": F.expr("data.geo.coordinates.coordinates")})
        .withColumn(
            "at", F.expr("get(filter(includes.places, one -> one.id = data.geo.place_id), 0)")
        )
        .withColumn("row", row)
        # to_json would write the tweet as a string
        .select(
            F.concat(
                F.expr("left(row, length(row) - 1)"), F.lit(',"tweet":'), "value", F.lit("}")
            ).alias("value")
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("way", "bootstrap", "topic", "output", "scorer"):
        parser.add_argument(f"--{name}", required=True)
    job = parser.parse_args()
    spark = SparkSession.builder.appName(job.way).getOrCreate()
    options = {
        "kafka.bootstrap.servers": job.bootstrap,
        "subscribe": job.topic,
        "startingOffsets": "earliest",
    }
    kafka = spark.readStream.format("kafka").options(**options).load()
    records = kafka.select(
        "topic", "partition", "offset", F.unix_millis("timestamp").alias("ms"), "value"
    )
    ways: dict[str, Any] = {"map_in_arrow": map_in_arrow, "pandas_udf": pandas_udf}
    query = (
        ways[job.way](records, job.scorer)
        .writeStream.format("text")
        .option("compression", "gzip")
        .option("checkpointLocation", f"{job.output}-checkpoint")
        .trigger(availableNow=True)
        .start(job.output)
    )
    query.awaitTermination()
    shared.say(f"rows {sum(progress.numInputRows for progress in query.recentProgress)}")
    spark.stop()


if __name__ == "__main__":
    main()
