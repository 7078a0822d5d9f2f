"""Two topics joined by the first word of each line, as long as both lines are of the last 10
seconds.

scripts/submit examples/joined_streams.py 127.0.0.1:9092 TOPIC OTHER

prints ('ann', ('tea', 'paid'))
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

brokers, orders, payments = sys.argv[1:]
params = {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
ssc = StreamingContext(SparkContext(appName="joined streams"), 2)


def by_name(topic):
    """The topic's lines of the last 10 seconds as (first word, rest)."""
    lines = KafkaUtils.createDirectStream(ssc, [topic], params).window(10, 2)
    return lines.map(lambda kv: tuple(kv[1].split(" ", 1)))


by_name(orders).join(by_name(payments)).pprint()
ssc.start()
ssc.awaitTermination()
