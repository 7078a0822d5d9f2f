"""What receivers bring, batch by batch, on a fresh context or a recovered one. Run by
tests/fault/connector/test_receiver.py.

    receiving.py BOOTSTRAP TOPIC FOLDER RECEIVERS CONSUMERS [KAFKA_PARAMETER=VALUE …]

RECEIVERS streams of CONSUMERS consumers each, all of one group. Prints {"time", "offsets":
[[partition, offset], …]} when a batch has been processed. When FOLDER/stop is there it stops
gracefully and prints {"stopped": seconds}. The checkpoint is in FOLDER.
"""

import json
import sys
import time
from pathlib import Path

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import receiver_stream

bootstrap, topic, folder, receivers, consumers = sys.argv[1:6]
checkpoint = Path(folder, "checkpoint").as_uri()
params = {
    "bootstrap.servers": bootstrap,
    "group.id": topic,
    "auto.offset.reset": "earliest",
    "session.timeout.ms": "6000",
    **dict(pair.split("=") for pair in sys.argv[6:]),
}


def show(when, rdd):
    offsets = rdd.collect()
    print(json.dumps({"time": str(when), "offsets": offsets}), flush=True)


def create():
    ssc = StreamingContext(SparkContext(appName="receiving"), 0.5)
    ssc.checkpoint(checkpoint)
    streams = [receiver_stream(ssc, {topic: int(consumers)}, params) for _ in range(int(receivers))]
    ssc.union(
        *[stream.map(lambda record: (record.partition, record.offset)) for stream in streams]
    ).foreachRDD(show)
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint, create)
ssc.start()
while not Path(folder, "stop").exists():
    ssc.awaitTerminationOrTimeout(0.2)
begun = time.monotonic()
ssc.stop(stopSparkContext=True, stopGraceFully=True)
print(json.dumps({"stopped": time.monotonic() - begun}), flush=True)
