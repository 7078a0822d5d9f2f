# ruff: noqa  old scripts stay as they were written
"""
Reads a range of a topic's first partition as a plain RDD.
Usage: batch_read.py <broker_list> <topic> <from> <until>
"""

from __future__ import print_function

import sys

from pyspark import SparkConf, SparkContext
from pyspark.streaming.kafka import Broker, KafkaUtils, OffsetRange, TopicAndPartition

conf = SparkConf().setAppName("batch")
sc = SparkContext(conf=conf)
brokers, topic, start, until = sys.argv[1:]
offset = OffsetRange(topic, 0, int(start), int(until))
host, port = brokers.split(":")
leaders = {TopicAndPartition(topic, 0): Broker(host, int(port))}
rdd = KafkaUtils.createRDD(sc, {"metadata.broker.list": brokers}, [offset], leaders)
print("records", rdd.count(), "first", rdd.first(), "last", rdd.values().collect()[-1])
print(rdd.offsetRanges()[0])
sc.stop()
