"""The Spark side of benchmarks/connector_on_3_5.py: one job, each way to read by turns.

connector_reads_3_5.py BOOTSTRAP ROUNDS TOPIC…    prints a line of JSON for each topic
"""

import json
import sys

import by_turns
from pyspark import SparkContext
from pyspark.rdd import RDD
from pyspark.serializers import NoOpSerializer, PairDeserializer

from kafka_dstreams import KafkaUtils, OffsetRange, topics
from kafka_dstreams.records import RecordSerializer, records
from kafka_dstreams.streams import rdd_of_frames

bootstrap, rounds, *names = sys.argv[1:]
params = {"bootstrap.servers": bootstrap}
sc = SparkContext(appName="reads")
PAIRS = PairDeserializer(NoOpSerializer(), NoOpSerializer())
BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
ZERO_TEN = {
    **params,
    "group.id": "bench",
    "key.deserializer": BYTES,
    "value.deserializer": BYTES,
    "auto.offset.reset": "none",
    "enable.auto.commit": "false",
}
# what our connector asks Kafka for where the user gives nothing else; Spark's wants a number
AS_OURS = {"max.partition.fetch.bytes": 4 << 20, "receive.buffer.bytes": 1 << 20}


def ranges(topic):
    partitions = topics(params, [topic])[topic].partitions
    return [OffsetRange(topic, number, *span) for number, span in partitions.items()]


def raw(part):
    return part


def length(pair):
    return len(pair[1])


def kafka_utils(topic):
    """KafkaUtils with decoders that leave the bytes alone: (key, value)."""
    return KafkaUtils.createRDD(sc, params, ranges(topic), None, raw, raw).map(length).sum()


def modern_records(topic):
    """Records, as `direct_stream` has them."""
    rdd = RDD(rdd_of_frames(sc, params, ranges(topic)), sc, RecordSerializer(records))
    return rdd.map(lambda record: len(record.value)).sum()


def spark_2_4(topic):
    """KafkaUtils as Spark 2.4 had it: pairs of byte arrays, one record at a time, and a map for the
    decoders."""
    jrdd = sc._jvm.kafkadstreams.PairsRDD.of(
        sc._jsc, rdd_of_frames(sc, params, ranges(topic)), params
    )
    return RDD(jrdd, sc, PAIRS).map(lambda kv: (raw(kv[0]), raw(kv[1]))).map(length).sum()


def zero_ten(topic, more=None):
    """Spark's own connector for the JVM with Kafka's defaults; its records cross as pairs of byte
    arrays, without decoders."""
    kind, wanted = sc._jvm.org.apache.spark.streaming.kafka010.OffsetRange, ranges(topic)
    array = sc._gateway.new_array(kind, len(wanted))
    for number, r in enumerate(wanted):
        array[number] = kind.create(r.topic, r.partition, r.fromOffset, r.untilOffset)
    jrdd = sc._jvm.kafkadstreams.ZeroTen.pairs(sc._jsc, {**ZERO_TEN, **(more or {})}, array)
    return RDD(jrdd, sc, PAIRS).map(length).sum()


def zero_ten_tuned(topic):
    """The same with our connector's defaults for Kafka's client; Spark keeps consumers by group."""
    return zero_ten(topic, {**AS_OURS, "group.id": "bench-tuned"})


WAYS = {
    way.__name__: way for way in (kafka_utils, modern_records, spark_2_4, zero_ten, zero_ten_tuned)
}
for name in names:
    count = sum(r.untilOffset - r.fromOffset for r in ranges(name))
    print(json.dumps(by_turns.measure(sc, name, count, WAYS, int(rounds))), flush=True)
