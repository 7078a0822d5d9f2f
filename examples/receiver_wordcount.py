"""Words of a Kafka topic, counted each second; a receiver reads it.

scripts/submit examples/receiver_wordcount.py 127.0.0.1:9092 TOPIC

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

address, topic = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="receiver word count"), 1)
lines = KafkaUtils.createStream(
    ssc, address, "wordcount", {topic: 1}, {"auto.offset.reset": "smallest"}
).map(lambda kv: kv[1])
counts = (
    lines.flatMap(lambda line: line.split())
    .map(lambda word: (word, 1))
    .reduceByKey(lambda a, b: a + b)
)
counts.pprint()
ssc.start()
ssc.awaitTermination()
