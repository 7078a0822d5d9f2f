"""Counts words by the old doors, as any old script would: DOORS BROKERS TOPIC WANTED, where DOORS
is direct, receiver or direct+receiver.

Ends when it has counted as many records as are wanted by each, and prints the numbers of words.
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

doors, brokers, topic, wanted = sys.argv[1].split("+"), sys.argv[2], sys.argv[3], int(sys.argv[4])
ssc = StreamingContext(SparkContext(), 1)
counted = {door: [] for door in doors}


def direct():
    parameters = {"metadata.broker.list": brokers, "auto.offset.reset": "smallest"}
    return KafkaUtils.createDirectStream(ssc, [topic], parameters)


def receiver():
    parameters = {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
    return KafkaUtils.createStream(ssc, "none:2181", f"words-{topic}", {topic: 1}, parameters)


def count(door, stream):
    words = stream.map(lambda pair: len(pair[1].split()))
    words.foreachRDD(lambda rdd: counted[door].extend(rdd.collect()))


for door in doors:
    count(door, {"direct": direct, "receiver": receiver}[door]())
ssc.start()
while any(len(words) < wanted for words in counted.values()):
    ssc.awaitTerminationOrTimeout(0.5)
for door, words in counted.items():
    print(door, "words", sum(words), "of", len(words), flush=True)
ssc.stop()
