# ruff: noqa  old scripts stay as they were written
"""
A sum by word that survives a restart: updateStateByKey and a checkpoint.
Usage: checkpointed_sum.py direct|receiver <brokers or zk> <topic> <checkpoint_dir>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

mode, address, topic, checkpointDir = sys.argv[1:]


def updateFunc(new_values, last_sum):
    return sum(new_values) + (last_sum or 0)


def show(time, rdd):
    print("sums", sorted(rdd.collect()))
    sys.stdout.flush()


def ranges(rdd):
    for o in rdd.offsetRanges():
        if o.untilOffset > o.fromOffset:
            print("range", o.partition, o.fromOffset, o.untilOffset)
    sys.stdout.flush()


def createContext():
    print("Creating new context")
    sc = SparkContext(appName="sum")
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(checkpointDir)
    params = {"auto.offset.reset": "smallest"}
    if mode == "direct":
        params["metadata.broker.list"] = address
        stream = KafkaUtils.createDirectStream(ssc, [topic], params)
        stream.foreachRDD(ranges)
    else:
        stream = KafkaUtils.createStream(ssc, address, "sum-" + topic, {topic: 1}, params)
    stream.map(lambda kv: (kv[1], 1)).updateStateByKey(updateFunc).foreachRDD(show)
    return ssc


ssc = StreamingContext.getOrCreate(checkpointDir, createContext)
ssc.start()
ssc.awaitTermination()
