"""Requests per user from a topic of web server log lines (the Common Log Format; the third word is
the user).

scripts/submit examples/requests_per_user.py 127.0.0.1:9092 TOPIC

prints ('ann', 2)
"""

import re
import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

LINE = re.compile(r'(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\S+)')

brokers, topic = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="requests per user"), 2)
stream = KafkaUtils.createDirectStream(
    ssc, [topic], {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
)
requests = (
    stream.map(lambda kv: LINE.match(kv[1] or "")).filter(bool).map(lambda match: match.group(3))
)
requests.map(lambda user: (user, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
