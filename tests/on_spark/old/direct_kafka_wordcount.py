# ruff: noqa  old scripts stay as they were written
"""
Counts words in UTF8 encoded, '\\n' delimited text directly received from Kafka every second.
Usage: direct_kafka_wordcount.py <broker_list> <topic>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

if __name__ == "__main__":
    sc = SparkContext("local[2]", appName="PythonStreamingDirectKafkaWordCount")
    sc.setLogLevel("WARN")
    ssc = StreamingContext(sc, 1)

    brokers, topic = sys.argv[1:]
    kvs = KafkaUtils.createDirectStream(
        ssc, [topic], {"metadata.broker.list": brokers, "auto.offset.reset": "smallest"}
    )
    lines = kvs.map(lambda x: x[1])
    counts = (
        lines.flatMap(lambda line: line.split(" "))
        .map(lambda word: (word, 1))
        .reduceByKey(lambda a, b: a + b)
    )
    counts.pprint()

    ssc.start()
    ssc.awaitTermination()
