# ruff: noqa  old scripts stay as they were written
"""
Counts words of Flume's events every second, as scripts of Spark 1.6 and 2.4 did.
Usage: flume_words.py <hostname> <port> [pull]
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.flume import FlumeUtils

if __name__ == "__main__":
    if len(sys.argv) < 3:
        print("Usage: flume_words.py <hostname> <port> [pull]", file=sys.stderr)
        exit(-1)
    ssc = StreamingContext(SparkContext(appName="FlumeWords"), 1)
    host, port = sys.argv[1], int(sys.argv[2])
    if sys.argv[3:] == ["pull"]:
        events = FlumeUtils.createPollingStream(ssc, [(host, port)])
    else:
        events = FlumeUtils.createStream(ssc, host, port)
    words = events.map(lambda event: event[1]).flatMap(lambda line: line.split(" "))
    words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint(1000)
    ssc.start()
    ssc.awaitTermination()
