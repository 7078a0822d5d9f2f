"""Which executor reads which partition of a direct stream, batch by batch: BROKERS TOPIC BATCHES.

One JSON line for each batch: {partition: the pid of its executor's Python daemon}.
"""

import json
import os
import sys

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import direct_stream

brokers, topic, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
# so few records at a time that there are enough batches
conf = SparkConf().set("spark.streaming.kafka.maxRatePerPartition", "20")
ssc = StreamingContext(SparkContext(conf=conf), 1)
seen = []


def show(rdd):
    def reader(index, records):
        return [(index, os.getppid())] if sum(1 for _ in records) else []

    homes = dict(rdd.mapPartitionsWithIndex(reader).collect())
    if homes:
        seen.append(homes)
        print(json.dumps(homes), flush=True)


direct_stream(ssc, [topic], {"bootstrap.servers": brokers}, start="earliest").foreachRDD(show)
ssc.start()
while len(seen) < batches:
    ssc.awaitTerminationOrTimeout(0.5)
ssc.stop()
