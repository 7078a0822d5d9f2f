"""Counts what receivers receive, and says where each starts: BROKERS TOPIC RECEIVERS WANTED.

Prints one line of JSON for each start of a receiver and for each batch that has records; ends when
it has counted as many records as are wanted.
"""

import json
import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext, StreamingListener
from pyspark.streaming.kafka import KafkaUtils

brokers, topic, receivers, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ssc = StreamingContext(SparkContext(), 1)
total = 0


def say(**words):
    print(json.dumps(words), flush=True)


class Starts(StreamingListener):
    def onReceiverStarted(self, receiverStarted):
        found = receiverStarted.receiverInfo()
        say(receiver=found.streamId(), host=found.location())


def add(rdd):
    global total
    if count := rdd.count():
        total += count
        say(records=total)


parameters = {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
ssc.addStreamingListener(Starts())
streams = [
    KafkaUtils.createStream(ssc, "none:2181", f"receivers-{topic}", {topic: 1}, parameters)
    for _ in range(receivers)
]
ssc.union(*streams).foreachRDD(add)
ssc.start()
while total < wanted:
    ssc.awaitTerminationOrTimeout(0.5)
ssc.stop()
