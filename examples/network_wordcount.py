"""Words of the lines that come from a socket, counted each second. A program must listen there
first: nc -lk 9999

scripts/submit examples/network_wordcount.py 127.0.0.1 9999

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

host, port = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="network word count"), 1)
words = ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.split())
words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
