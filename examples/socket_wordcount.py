"""Words of the lines that come from a socket. Something must be listening there first: nc -lk 9999

scripts/submit examples/socket_wordcount.py 127.0.0.1 9999
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

host, port = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="socket word count"), 1)
words = ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.split())
words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
