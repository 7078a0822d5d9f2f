"""A stream made of RDDs in a queue, one per second: for trying things out, and for tests.

scripts/submit examples/queue_stream.py

prints (0, 100)
"""

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

ssc = StreamingContext(SparkContext(appName="queue stream"), 1)
numbers = ssc.queueStream([ssc.sparkContext.parallelize(range(1000), 10) for _ in range(5)])
numbers.map(lambda x: (x % 10, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
