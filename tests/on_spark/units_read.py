"""Reads an output as the README shows, with Spark: OUTPUT WEBHDFS. Prints its records in JSON."""

import json
import sys

from pyspark.sql import SparkSession

from units.reading import tweets

output, webhdfs = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
tweets(spark, output, webhdfs=webhdfs).createOrReplaceTempView("tweets")
rows = spark.sql(
    "select kafka.partition p, kafka.offset o, id, deleted, text, created_at, sentiment.label l,"
    " base64(tweet) tweet from tweets order by 1, 2"
).collect()
rejected = tweets(spark, output, "rejected", webhdfs).count()
print(json.dumps({"rows": [row.asDict() for row in rows], "rejected": rejected}, default=str))
