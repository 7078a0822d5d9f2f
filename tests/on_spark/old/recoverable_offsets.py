# ruff: noqa  old scripts stay as they were written
"""
A message handler and the offsets in a global list, in a context that is recovered from its checkpoint.
Usage: recoverable_offsets.py <broker_list> <topic> <checkpoint_dir>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

offsetRanges = []
brokers, topic, checkpointDir = sys.argv[1:]


def storeOffsetRanges(rdd):
    global offsetRanges
    offsetRanges = rdd.offsetRanges()
    return rdd


def printOffsetRanges(time, rdd):
    words = rdd.collect()
    for o in offsetRanges:
        print("range %d %d %d" % (o.partition, o.fromOffset, o.untilOffset))
    for word in words:
        print(word)
    sys.stdout.flush()


def createContext():
    print("Creating new context")
    ssc = StreamingContext(SparkContext(appName="recoverable"), 1)
    ssc.checkpoint(checkpointDir)
    params = {"metadata.broker.list": brokers, "auto.offset.reset": "smallest"}
    stream = KafkaUtils.createDirectStream(
        ssc,
        [topic],
        params,
        messageHandler=lambda m: "%d %d %s" % (m.partition, m.offset, m.message),
    )
    stream.transform(storeOffsetRanges).map(lambda line: "word " + line).foreachRDD(
        printOffsetRanges
    )
    return ssc


ssc = StreamingContext.getOrCreate(checkpointDir, createContext)
ssc.start()
ssc.awaitTermination()
