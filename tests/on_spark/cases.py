"""What the scripts of cases share: one SparkContext for many small streams, and a line of JSON for
each case.

A script of cases calls `main(globals())`; its functions named case_… are run one after the other.
stdout has {"case": name, "error": null or a traceback, "seconds": …} for each.
"""

import json
import sys
import time
import traceback
import uuid

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

BOOTSTRAP = sys.argv[1]
OLD = {"metadata.broker.list": BOOTSTRAP, "auto.offset.reset": "smallest"}
NEW = {"bootstrap.servers": BOOTSTRAP}
sc = None


def make_topic(partitions=3):
    name = f"cases-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    admin.create_topics(
        {name: {"num_partitions": partitions, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    return name


def send(topic, records, partitions=3):
    """Records are values, or (key, value), or (key, value, headers); they are spread evenly over
    the partitions."""
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for number, record in enumerate(records):
        key, value, headers = (*record, [])[:3] if isinstance(record, tuple) else (None, record, [])
        producer.send(topic, value, key=key, headers=headers, partition=number % partitions)
    producer.close()


def filled(count, partitions=3):
    topic = make_topic(partitions)
    send(topic, [b"%d" % number for number in range(count)], partitions)
    return topic


def run(build, done, seconds=120, during=None, interval=0.5):
    """Start the streams that `build(ssc)` makes and stop them when `done()` is true; `during()` is
    called after the start. `interval`: seconds of a batch."""
    ssc = StreamingContext(sc, interval)
    try:
        build(ssc)
        ssc.start()
        if during:
            during()
        wait_until(done, seconds, lambda: ssc.awaitTerminationOrTimeout(0.1))
    finally:
        ssc.stop(stopSparkContext=False, stopGraceFully=False)


def wait_until(done, seconds=120, pause=lambda: time.sleep(0.1)):
    """Wait until `done()`; AssertionError if that takes longer."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s"
        pause()


def collected(stream_of, count, **options):
    """The first `count` elements of the stream that `stream_of(ssc)` makes."""
    seen = []
    run(
        lambda ssc: stream_of(ssc).foreachRDD(lambda rdd: seen.extend(rdd.collect())),
        lambda: len(seen) >= count,
        **options,
    )
    return seen


def raises(kind, text, call):
    """Call and return the exception; AssertionError if there is none of this kind with this text in
    it."""
    try:
        call()
    except kind as error:
        assert text in str(error), str(error)
        return error
    raise AssertionError(f"no {kind.__name__} with {text!r}")


def main(names):
    global sc
    sc = SparkContext("local[3]", "cases")
    sc.setLogLevel("ERROR")
    for name, case in list(names.items()):
        if name.startswith("case_"):
            error, begun = None, time.monotonic()
            try:
                case()
            except Exception:
                error = traceback.format_exc()
            seconds = round(time.monotonic() - begun, 1)
            print(json.dumps({"case": name, "error": error, "seconds": seconds}), flush=True)
    sc.stop()
