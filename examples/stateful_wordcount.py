"""Words of a topic, counted since the beginning; the counts and the place in the topic survive a
restart.

scripts/submit examples/stateful_wordcount.py 127.0.0.1:9092 TOPIC file:///tmp/stateful-wordcount

prints ('be', 2)
"""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import KafkaUtils

brokers, topic, checkpoint = sys.argv[1:]


def create():
    """Everything is built in here: a restart takes it from the checkpoint, functions included, and
    not from this file."""
    ssc = StreamingContext(SparkContext(appName="stateful word count"), 2)
    ssc.checkpoint(checkpoint)
    stream = KafkaUtils.createDirectStream(
        ssc, [topic], {"bootstrap.servers": brokers, "auto.offset.reset": "smallest"}
    )
    words = stream.flatMap(lambda kv: kv[1].split()).map(lambda word: (word, 1))
    words.updateStateByKey(lambda new, total: sum(new) + (total or 0)).pprint()
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint, create)
ssc.start()
ssc.awaitTermination()
