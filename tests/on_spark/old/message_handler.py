# ruff: noqa  old scripts stay as they were written
"""
A message handler, raw values, and a start at given offsets of one partition only.
Usage: message_handler.py <broker_list> <topic> <partition> <offset>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils, TopicAndPartition


def handler(m):
    return (m.topic, m.partition, m.offset, m.key, m.message, type(m._rawMessage).__name__)


sc = SparkContext(appName="handler")
ssc = StreamingContext(sc, 1)
brokers, topic, partition, offset = sys.argv[1:]
fromOffsets = {TopicAndPartition(topic, int(partition)): int(offset)}
stream = KafkaUtils.createDirectStream(
    ssc,
    [topic],
    {"metadata.broker.list": brokers},
    fromOffsets=fromOffsets,
    valueDecoder=lambda raw: None if raw is None else raw.decode("latin-1"),
    messageHandler=handler,
)
stream.pprint(1000)
ssc.start()
ssc.awaitTermination()
