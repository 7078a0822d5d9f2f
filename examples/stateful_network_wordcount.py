"""Words that come from a socket, counted since the beginning. The state begins with two words.

scripts/submit examples/stateful_network_wordcount.py 127.0.0.1 9999 file:///tmp/stateful-network

prints ('hello', 1) ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

host, port, checkpoint = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="stateful network word count"), 1)
ssc.checkpoint(checkpoint)
before = ssc.sparkContext.parallelize([("hello", 1), ("world", 1)])
words = ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.split())
words.map(lambda word: (word, 1)).updateStateByKey(
    lambda new, total: sum(new) + (total or 0), initialRDD=before
).pprint()
ssc.start()
ssc.awaitTermination()
