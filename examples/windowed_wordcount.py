"""The ten most frequent words of a topic's last 30 seconds, every 2 seconds. What leaves the window
is subtracted.

scripts/submit examples/windowed_wordcount.py 127.0.0.1:9092 TOPIC file:///tmp/windowed-wordcount

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

brokers, topic, checkpoint = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="windowed word count"), 2)
ssc.checkpoint(checkpoint)
stream = KafkaUtils.createDirectStream(
    ssc, [topic], {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
)
words = stream.flatMap(lambda kv: kv[1].lower().split()).map(lambda word: (word, 1))
counts = words.reduceByKeyAndWindow(
    lambda a, b: a + b, lambda a, b: a - b, 30, 2, filterFunc=lambda kv: kv[1] > 0
)
counts.transform(lambda rdd: rdd.sortBy(lambda kv: (-kv[1], kv[0]))).pprint(10)
ssc.start()
ssc.awaitTermination()
