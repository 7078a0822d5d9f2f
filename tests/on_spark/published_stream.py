"""Streams an output, batch by batch, into Parquet files below FOLDER and ends when it has all:
OUTPUT WEBHDFS FOLDER."""

import sys

from pyspark.sql import SparkSession

from units.source import PublishedTweets

output, webhdfs, folder = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
spark.dataSource.register(PublishedTweets)
source = spark.readStream.format("published_tweets").option("webhdfs", webhdfs)
rows = source.option("maxBatches", 1).load(output)
sink = rows.writeStream.format("parquet").option("path", f"{folder}/rows")
sink = sink.option("checkpointLocation", f"{folder}/checkpoint")
sink.trigger(availableNow=True).start().awaitTermination()
