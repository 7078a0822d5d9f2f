"""Words that come from a socket, counted by a query of Spark SQL.

scripts/submit examples/sql_network_wordcount.py 127.0.0.1 9999

prints |  be|    2|
"""

import sys

from pyspark import SparkContext
from pyspark.sql import Row, SparkSession
from pyspark.streaming import StreamingContext


def count(time, rdd):
    """Runs on the driver, once for each batch; the session is made by the first one."""
    if rdd.isEmpty():
        return
    spark = SparkSession.builder.config(conf=rdd.context.getConf()).getOrCreate()
    spark.createDataFrame(rdd.map(lambda word: Row(word=word))).createOrReplaceTempView("words")
    print(f"========= {time} =========")
    spark.sql("SELECT word, count(*) AS total FROM words GROUP BY word ORDER BY word").show()


host, port = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="SQL network word count"), 1)
ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.split()).foreachRDD(count)
ssc.start()
ssc.awaitTermination()
