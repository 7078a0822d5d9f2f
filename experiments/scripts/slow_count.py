"""A batch job that is too slow for its topic: each record costs 10 ms.

scripts/submit experiments/scripts/slow_count.py 127.0.0.1:9092 TOPIC
"""

import sys
import time

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import Record, direct_stream


def slowly(record: Record) -> int:
    """Runs on an executor."""
    time.sleep(0.01)
    return record.partition


brokers, topic = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="slow count"), 1)
stream = direct_stream(ssc, [topic], {"bootstrap.servers": brokers})
stream.map(slowly).count().pprint()
ssc.start()
ssc.awaitTermination()
