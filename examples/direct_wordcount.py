"""Words of a Kafka topic, counted each second; tasks read it directly, and the driver says from
which offset to which.

scripts/submit examples/direct_wordcount.py 127.0.0.1:9092 TOPIC

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

brokers, topic = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="direct word count"), 1)
stream = KafkaUtils.createDirectStream(
    ssc, [topic], {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
)
stream.foreachRDD(lambda rdd: print(*rdd.offsetRanges(), sep="\n"))
words = stream.flatMap(lambda kv: kv[1].split())
words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
