"""Counts words by an old door, as any old script would: direct|receiver BROKERS TOPIC WANTED.

Ends when it has counted as many records as are wanted, and prints the number of words.
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.kafka import KafkaUtils

door, brokers, topic, wanted = sys.argv[1:4] + [int(sys.argv[4])]
ssc = StreamingContext(SparkContext(), 1)
counted = {"records": 0, "words": 0}
if door == "direct":
    parameters = {"metadata.broker.list": brokers, "auto.offset.reset": "smallest"}
    stream = KafkaUtils.createDirectStream(ssc, [topic], parameters)
else:
    parameters = {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
    stream = KafkaUtils.createStream(ssc, "none:2181", f"words-{topic}", {topic: 1}, parameters)


def add(rdd):
    for records, words in rdd.map(lambda pair: (1, len(pair[1].split()))).collect():
        counted["records"] += records
        counted["words"] += words


stream.foreachRDD(add)
ssc.start()
while counted["records"] < wanted:
    ssc.awaitTerminationOrTimeout(0.5)
print("words", counted["words"], "of", counted["records"], flush=True)
ssc.stop()
