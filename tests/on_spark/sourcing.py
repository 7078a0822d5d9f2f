"""What a source written in Python brings, batch by batch, on a fresh context or a recovered one.

    sourcing.py FOLDER SOURCE [ARGUMENT …]

SOURCE is a class of tests/on_spark/numbered.py, made with FOLDER and the arguments. Prints
{"time", "values": […]} when a batch has been processed. When FOLDER/stop is there, or after Ctrl-C,
it stops gracefully and prints {"stopped": seconds}. The checkpoint is in FOLDER.
"""

import json
import signal
import sys
import time
from pathlib import Path

import numbered
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams.sources import source_stream

folder, kind, *arguments = sys.argv[1:]
checkpoint = Path(folder, "checkpoint").as_uri()


def show(when, rdd):
    values = rdd.collect()
    line = {"time": str(when), "values": values, "partitions": rdd.getNumPartitions()}
    print(json.dumps(line), flush=True)


def create():
    sc = SparkContext(appName="sourcing")
    sc.addPyFile(numbered.__file__)
    ssc = StreamingContext(sc, 0.5)
    ssc.checkpoint(checkpoint)
    stream = source_stream(ssc, getattr(numbered, kind)(folder, *arguments))
    stream.map(lambda record: record.value.decode()).foreachRDD(show)
    return ssc


interrupted = []
ssc = StreamingContext.getOrCreate(checkpoint, create)
signal.signal(signal.SIGINT, lambda *_: interrupted.append(1))
ssc.start()
try:
    while not Path(folder, "stop").exists() and not interrupted:
        ssc.awaitTerminationOrTimeout(0.2)
except Exception as error:
    print(json.dumps({"ended": str(error)}), flush=True)
    raise
begun = time.monotonic()
ssc.stop(stopSparkContext=True, stopGraceFully=True)
print(json.dumps({"stopped": time.monotonic() - begun}), flush=True)
