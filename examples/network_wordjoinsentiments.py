"""The happiest words of the last five seconds: a stream is joined with a table, VADER's lexicon. A
word's happiness is its valence, from -4 to 4, times how often it came.

scripts/submit examples/network_wordjoinsentiments.py 127.0.0.1 9999

prints love 6.4
"""

import sys
from pathlib import Path

import vaderSentiment
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

host, port = sys.argv[1:]
ssc = StreamingContext(SparkContext(appName="happiest words"), 1)
lexicon = Path(vaderSentiment.__file__).with_name("vader_lexicon.txt").as_uri()
valences = (
    ssc.sparkContext.textFile(lexicon)
    .map(lambda line: line.split("\t"))
    .map(lambda row: (row[0], float(row[1])))
    .cache()
)
words = ssc.socketTextStream(host, int(port)).flatMap(lambda line: line.lower().split())
counts = words.map(lambda word: (word, 1)).reduceByKeyAndWindow(lambda a, b: a + b, None, 5, 1)
happy = counts.transform(
    lambda rdd: (
        valences.join(rdd)
        .map(lambda row: (row[1][0] * row[1][1], row[0]))
        .sortByKey(ascending=False)
    )
)
happy.map(lambda row: f"{row[1]} {row[0]:.1f}").pprint(10)
ssc.start()
ssc.awaitTermination()
