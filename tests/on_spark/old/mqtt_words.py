# ruff: noqa  old scripts stay as they were written
"""
Counts words of an MQTT topic every second, as scripts of Spark 1.6 did.
Usage: mqtt_words.py <broker url> <topic>
"""

from __future__ import print_function

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.mqtt import MQTTUtils

if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("Usage: mqtt_words.py <broker url> <topic>", file=sys.stderr)
        exit(-1)
    ssc = StreamingContext(SparkContext(appName="MqttWords"), 1)
    lines = MQTTUtils.createStream(ssc, sys.argv[1], sys.argv[2])
    words = lines.flatMap(lambda line: line.split(" "))
    words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).pprint()
    ssc.start()
    ssc.awaitTermination()
