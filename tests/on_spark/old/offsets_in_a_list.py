# ruff: noqa  old scripts stay as they were written
"""
The manual's way to the offsets of a direct stream: kept in a global list by transform, used in foreachRDD.
Usage: offsets_in_a_list.py <broker_list> <topic>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

offsetRanges = []


def storeOffsetRanges(rdd):
    global offsetRanges
    offsetRanges = rdd.offsetRanges()
    return rdd


def printOffsetRanges(rdd):
    n = rdd.count()
    for o in offsetRanges:
        print("%s %s %s %s" % (o.topic, o.partition, o.fromOffset, o.untilOffset))
    print("counted %d" % n)
    sys.stdout.flush()


sc = SparkContext(appName="offsets")
ssc = StreamingContext(sc, 1)
directKafkaStream = KafkaUtils.createDirectStream(
    ssc, [sys.argv[2]], {"bootstrap.servers": sys.argv[1], "auto.offset.reset": "smallest"}
)
directKafkaStream.transform(storeOffsetRanges).map(lambda kv: kv[1].upper()).foreachRDD(
    printOffsetRanges
)
ssc.start()
ssc.awaitTermination()
