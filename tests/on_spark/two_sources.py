"""A source of one's own beside Spark 1.6's MQTTUtils: BROKER_URL FOLDER.

Ends when 100 lines of the topic `words` have come.
"""

import sys

from numbered import Numbers
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.mqtt import MQTTUtils

from kafka_dstreams.sources import source_stream

url, folder = sys.argv[1:]
ssc = StreamingContext(SparkContext(), 1)
numbers, lines = [], []
mine = source_stream(ssc, Numbers(folder)).map(lambda record: int(record.value))
mine.foreachRDD(lambda rdd: numbers.extend(rdd.collect()))
MQTTUtils.createStream(ssc, url, "words").foreachRDD(lambda rdd: lines.extend(rdd.collect()))
ssc.start()
while len(lines) < 100 or not numbers:
    ssc.awaitTerminationOrTimeout(0.5)
assert numbers == list(range(len(numbers))) and set(lines) == {"to be or not to be"}
print("100 of 100 lines and numbers to", numbers[-1], flush=True)
ssc.stop()
