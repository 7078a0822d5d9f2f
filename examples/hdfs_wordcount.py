"""Words of the text files that are moved into a folder, of HDFS or of this machine (file://). Move,
do not write: a file is read once, as it is when it is seen.

scripts/submit examples/hdfs_wordcount.py file:///tmp/lines

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

ssc = StreamingContext(SparkContext(appName="HDFS word count"), 1)
words = ssc.textFileStream(sys.argv[1]).flatMap(lambda line: line.split())
words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint()
ssc.start()
ssc.awaitTermination()
