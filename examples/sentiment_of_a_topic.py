"""How the lines of a topic sound, from -1 to 1.

scripts/submit examples/sentiment_of_a_topic.py 127.0.0.1:9092 TOPIC

prints (0.0, 'to be or')
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from kafka_dstreams import direct_stream


def scores(records):
    vader = SentimentIntensityAnalyzer()  # made once per task, where it is used
    return [
        (vader.polarity_scores(record.value.decode())["compound"], record.value.decode())
        for record in records
    ]


ssc = StreamingContext(SparkContext(appName="sentiment"), 2)
direct_stream(ssc, [sys.argv[2]], {"bootstrap.servers": sys.argv[1]}).mapPartitions(scores).pprint()
ssc.start()
ssc.awaitTermination()
