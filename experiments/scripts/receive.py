"""A classic receiver that appends the place of each record to a file, a batch at a time; with or
without a write-ahead log and the checkpoint that goes with it.

scripts/submit experiments/scripts/receive.py 127.0.0.1:9092 TOPIC FILE [CHECKPOINT]
"""

import sys
import time
from typing import Any

from pyspark import RDD, SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from kafka_dstreams import receiver_stream

brokers, topic, file, *checkpoint = sys.argv[1:]


def append(rdd: RDD[Any]) -> None:
    """Runs on the driver, two seconds per batch: meanwhile the receiver reads on."""
    places = rdd.map(lambda record: f"{record.partition} {record.offset}\n").collect()
    time.sleep(2)
    with open(file, "a") as out:  # noqa: PTH123
        out.writelines(places)
    print(f"wrote {len(places)}", flush=True)


def create() -> StreamingContext:
    """A checkpoint keeps all of this."""
    conf = SparkConf().setAppName("receive")
    conf.set("spark.streaming.receiver.writeAheadLog.enable", str(bool(checkpoint)).lower())
    ssc = StreamingContext(SparkContext(conf=conf), 1)
    if checkpoint:
        ssc.checkpoint(checkpoint[0])
    params = {"bootstrap.servers": brokers, "group.id": topic, "auto.offset.reset": "earliest"}
    receiver_stream(ssc, {topic: 1}, params).foreachRDD(append)
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint[0], create) if checkpoint else create()
ssc.start()
ssc.awaitTermination()
