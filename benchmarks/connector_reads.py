"""The Spark side of benchmarks/connector.py: one job, each way to read by turns.

connector_reads.py BOOTSTRAP ROUNDS TOPIC…    prints a line of JSON for each topic
"""

import json
import sys

import by_turns
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.rdd import RDD
from pyspark.serializers import NoOpSerializer, PairDeserializer
from pyspark.sql import SparkSession

from kafka_dstreams import KafkaUtils, OffsetRange, decode, topics
from kafka_dstreams.records import RecordSerializer, records
from kafka_dstreams.streams import rdd_of_frames

bootstrap, rounds, *names = sys.argv[1:]
params = {"bootstrap.servers": bootstrap}
spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext


def ranges(topic):
    return [
        OffsetRange(topic, p, *span)
        for p, span in topics(params, [topic])[topic].partitions.items()
    ]


def raw(part):
    return part


def kafka_utils(topic):
    """KafkaUtils with decoders that leave the bytes alone: (key, value)."""
    return (
        KafkaUtils.createRDD(sc, params, ranges(topic), None, raw, raw)
        .map(lambda kv: len(kv[1]))
        .sum()
    )


def modern_records(topic):
    """Records, as `direct_stream` has them."""
    rdd = RDD(rdd_of_frames(sc, params, ranges(topic)), sc, RecordSerializer(records))
    return rdd.map(lambda record: len(record.value)).sum()


def rdd_of_pairs(topic):
    frames = rdd_of_frames(sc, params, ranges(topic))
    jrdd = sc._jvm.kafkadstreams.PairsRDD.of(sc._jsc, frames, params)
    return RDD(jrdd, sc, PairDeserializer(NoOpSerializer(), NoOpSerializer()))


def spark_2_4(topic):
    """KafkaUtils as Spark 2.4 had it: pairs of byte arrays, one record at a time, and a map for the
    decoders."""
    return (
        rdd_of_pairs(topic)
        .map(lambda kv: (raw(kv[0]), raw(kv[1])))
        .map(lambda kv: len(kv[1]))
        .sum()
    )


def pairs(topic):
    """The same without decoders."""
    return rdd_of_pairs(topic).map(lambda kv: len(kv[1])).sum()


def source(topic):
    options = {
        "kafka.bootstrap.servers": bootstrap,
        "subscribe": topic,
        "startingOffsets": "earliest",
    }
    return spark.read.format("kafka").options(**options).load().select("key", "value")


def map_in_arrow(topic):
    """Structured Streaming's source and mapInArrow, a Python function for each record."""

    def measured(kv):
        return len(kv[1])

    def measure(batches):
        for batch in batches:
            rows = zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
            yield pa.RecordBatch.from_arrays(
                [pa.array([sum(map(measured, rows))], pa.int64())], ["n"]
            )

    return sum(row.n for row in source(topic).mapInArrow(measure, "n long").collect())


def frames(topic):
    """Our frames, decoded into columns; no Python function for a record."""
    rdd = RDD(rdd_of_frames(sc, params, ranges(topic)), sc, NoOpSerializer())
    return rdd.map(lambda data: sum(map(len, decode(data).values))).sum()


def arrow_columns(topic):
    """mapInArrow, the column measured by Arrow; no Python function for a record."""

    def measure(batches):
        for batch in batches:
            total = pc.sum(pc.binary_length(batch.column(1))).cast(pa.int64())
            yield pa.RecordBatch.from_arrays([pa.array([total.as_py()], pa.int64())], ["n"])

    return sum(row.n for row in source(topic).mapInArrow(measure, "n long").collect())


WAYS = {
    way.__name__: way
    for way in (kafka_utils, modern_records, spark_2_4, pairs, map_in_arrow, frames, arrow_columns)
}


for name in names:
    count = sum(r.untilOffset - r.fromOffset for r in ranges(name))
    print(json.dumps(by_turns.measure(sc, name, count, WAYS, int(rounds))), flush=True)
