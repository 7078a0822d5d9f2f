"""The old doors where a topic's offsets are beyond 2^31. Run by
tests/integration/connector/test_connector_secured.py.

    far_offsets.py BOOTSTRAP TOPIC FIRST

The topic's only partition has ten records from offset FIRST on, valued 0 to 9.
"""

import cases
from cases import BOOTSTRAP, OLD, collected, run, sys
from kafka import KafkaConsumer, TopicPartition
from pyspark.streaming.kafka import KafkaUtils, OffsetRange, TopicAndPartition

from kafka_dstreams import commit_ranges

topic, first = sys.argv[2], int(sys.argv[3])
GROUP = {"bootstrap.servers": BOOTSTRAP, "group.id": "far"}


def case_a_far_range_as_an_rdd():
    span = OffsetRange(topic, 0, first + 2, first + 5)
    rdd = KafkaUtils.createRDD(
        cases.sc, OLD, [span], messageHandler=lambda m: (m.offset - first, m.message)
    )
    assert rdd.offsetRanges() == [span] and rdd.collect() == [(2, "2"), (3, "3"), (4, "4")]


def case_a_far_start_of_a_stream_and_the_commit_of_its_ranges():
    seen, ranges = [], []

    def note(rdd):
        seen.extend(rdd.values().collect())
        ranges.extend(rdd.offsetRanges())
        commit_ranges(GROUP, rdd.offsetRanges())

    start = {TopicAndPartition(topic, 0): first + 7}
    run(
        lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], OLD, start).foreachRDD(note),
        lambda: len(seen) == 3,
    )
    assert seen == ["7", "8", "9"] and ranges[0] == OffsetRange(topic, 0, first + 7, first + 10)
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id="far")
    assert consumer.committed(TopicPartition(topic, 0)) == first + 10
    consumer.close()


def case_a_receiver_that_goes_on_far_out():
    commit_ranges(GROUP, [OffsetRange(topic, 0, first, first + 4)])
    values = collected(
        lambda ssc: KafkaUtils.createStream(ssc, BOOTSTRAP, "far", {topic: 1}).map(
            lambda kv: kv[1]
        ),
        6,
    )
    assert values == ["4", "5", "6", "7", "8", "9"]


cases.main(globals())
