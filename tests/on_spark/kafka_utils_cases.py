"""The doors of Spark 2.4, case by case, on a real broker. Run by
tests/integration/connector/test_kafka_utils.py."""

import functools
import logging
import sys
import tempfile

import cases
from cases import BOOTSTRAP, OLD, collected, filled, make_topic, raises, run, send, wait_until
from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.streaming import DStream, StreamingContext
from pyspark.streaming.kafka import (
    Broker,
    KafkaMessageAndMetadata,
    KafkaRDD,
    KafkaTransformedDStream,
    KafkaUtils,
    OffsetRange,
    TopicAndPartition,
)

create = KafkaUtils.createDirectStream


def case_wrong_types_are_refused_in_the_old_words_and_order():
    ssc = StreamingContext(cases.sc, 1)
    for topics in (("t",), {"t"}, "t"):
        raises(TypeError, "topics should be list", lambda topics=topics: create(ssc, topics, None))
    raises(TypeError, "kafkaParams should be dict", lambda: create(ssc, ["t"], [("a", "b")]))
    raises(
        TypeError, "kafkaParams should be dict", lambda: KafkaUtils.createRDD(cases.sc, None, None)
    )
    raises(TypeError, "offsetRanges should be list", lambda: KafkaUtils.createRDD(cases.sc, {}, ()))


def case_create_stream_changes_its_params_before_it_looks_at_the_topics():
    params = {"group.id": "mine", "zookeeper.connect": "other"}
    ssc = StreamingContext(cases.sc, 1)
    raises(
        TypeError,
        "topics should be dict",
        lambda: KafkaUtils.createStream(ssc, "zk:2181", "g", ["t"], params),
    )
    assert params == {
        "group.id": "g",
        "zookeeper.connect": "zk:2181",
        "zookeeper.connection.timeout.ms": "10000",
    }


def case_what_kafka_has_not_is_refused_at_creation():
    ssc, topic = StreamingContext(cases.sc, 1), filled(3)
    at = {TopicAndPartition(topic, 0): 0}
    raises(
        Py4JJavaError,
        "SparkException: Must specify metadata.broker.list or",
        lambda: create(ssc, [topic], {}),
    )
    wrong = {"metadata.broker.list": "localhost"}
    raises(
        Py4JJavaError,
        "Broker not in the correct format of <host>:<port> [localhost]",
        lambda: create(ssc, [topic], wrong),
    )
    raises(Py4JJavaError, "does not exist", lambda: create(ssc, ["no-such-" + topic], OLD))
    mismatch = (
        "IllegalStateException: The specified topics: b do not equal to the topic from offsets: "
        f"{topic}"
    )
    raises(Py4JJavaError, mismatch, lambda: create(ssc, ["b"], OLD, at))
    raises(
        Py4JJavaError,
        "Couldn't find leaders",
        lambda: create(ssc, [topic], OLD, {TopicAndPartition(topic, 9): 0}),
    )
    raises(
        Py4JJavaError, "SparkException: InvalidTopicException", lambda: create(ssc, ["a b"], OLD)
    )
    nowhere = {"metadata.broker.list": "nowhere.invalid:9092"}
    raises(Py4JJavaError, "No resolvable bootstrap urls", lambda: create(ssc, [topic], nowhere))
    for bad in (
        OffsetRange(topic, 0, 0, 2),
        OffsetRange(topic, 1, 3_000_000_000, 3_000_000_001),
        OffsetRange(topic, 0, 1, 0),
    ):
        text = (
            f"Offsets not available on leader: OffsetRange(topic: '{topic}', partition: "
            f"{bad.partition}, "
        )
        text += f"range: [{bad.fromOffset} -> {bad.untilOffset}])"
        raises(Py4JJavaError, text, lambda bad=bad: KafkaUtils.createRDD(cases.sc, OLD, [bad]))


def case_an_rdd_has_one_partition_a_range_in_the_lists_order():
    topic = filled(30)
    ranges = [OffsetRange(topic, 2, 0, 5), OffsetRange(topic, 0, 3, 7), OffsetRange(topic, 0, 3, 3)]
    leaders = {TopicAndPartition(topic, p): Broker("127.0.0.1", 9092) for p in (0, 2)}
    rdd = KafkaUtils.createRDD(cases.sc, OLD, ranges, leaders)
    assert isinstance(rdd, KafkaRDD) and rdd.offsetRanges() == ranges
    assert rdd.values().glom().collect() == [
        ["2", "5", "8", "11", "14"],
        ["9", "12", "15", "18"],
        [],
    ]
    assert (rdd.count(), rdd.take(2), rdd.first()) == (9, [(None, "2"), (None, "5")], (None, "2"))
    assert not hasattr(rdd.map(lambda kv: kv), "offsetRanges")


def case_an_rdd_of_frames_is_an_rdd_of_records_to_every_operation():
    topic = filled(30, 1)
    rdd = KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, 0, 30)], valueDecoder=int)
    other = KafkaUtils.createRDD(
        cases.sc, OLD, [OffsetRange(topic, 0, 0, 30)], valueDecoder=lambda raw: -int(raw)
    )
    assert rdd.zip(other).map(lambda two: two[0][1] + two[1][1]).distinct().collect() == [0]
    assert rdd.cartesian(other).count() == 900
    assert sorted(rdd.union(other).values().collect()) == sorted(
        [*range(30), *(-n for n in range(30))]
    )
    assert rdd.union(rdd).count() == 60 and rdd.repartition(3).values().sum() == 435
    assert rdd.persist(StorageLevel.MEMORY_ONLY).values().sum() == rdd.values().sum() == 435
    assert rdd.zipWithIndex().map(lambda pair: pair[0][1] - pair[1]).distinct().collect() == [0]


def case_decoders_get_bytes_or_none():
    topic = make_topic(1)
    send(topic, [(None, b"x"), (b"k", None), (b"", b""), (b"\xff", b"\xfe")], 1)
    ranges = [OffsetRange(topic, 0, 0, 4)]
    want = [(None, b"x"), (b"k", None), (b"", b""), (b"\xff", b"\xfe")]
    plain = KafkaUtils.createRDD(cases.sc, OLD, ranges, None, lambda raw: raw, lambda raw: raw)
    assert plain.map(lambda kv: kv).collect() == plain.collect() == want
    handled = KafkaUtils.createRDD(
        cases.sc,
        OLD,
        ranges,
        None,
        lambda k: (type(k), k),
        lambda v: (type(v), v),
        lambda m: (m.key, m.message),
    )
    assert handled.map(lambda kv: kv).collect() == [((type(k), k), (type(v), v)) for k, v in want]
    raises(
        Exception,
        "UnicodeDecodeError",
        KafkaUtils.createRDD(cases.sc, OLD, ranges).map(len).collect,
    )


def case_a_message_outlives_a_shuffle_without_its_decoders():
    topic = filled(3, 1)
    rdd = KafkaUtils.createRDD(
        cases.sc, OLD, [OffsetRange(topic, 0, 0, 3)], valueDecoder=int, messageHandler=lambda m: m
    )
    assert rdd.map(lambda m: m.message).collect() == [0, 1, 2]
    back = rdd.map(lambda m: m).repartition(2).collect()
    assert sorted(m.message for m in back) == ["0", "1", "2"] and isinstance(
        back[0], KafkaMessageAndMetadata
    )


class Keeper:
    """Things other than plain functions that 2.4 could not call."""

    def __init__(self):
        self.seen = {}

    def note(self, name, rdd):
        self.seen[name] = self.seen.get(name, 0) + rdd.count()
        return self.seen[name]  # true, and no RDD

    def bound(self, rdd):
        return self.note("bound", rdd)

    def bound_with_time(self, time, rdd):
        assert time.year > 2000
        return self.note("bound_with_time", rdd)

    def __call__(self, rdd):
        return self.note("call", rdd)


def case_anything_that_can_be_called_is_called():
    topic, keeper = filled(30), Keeper()

    def build(ssc):
        stream = create(ssc, [topic], OLD)
        stream.foreachRDD(keeper.bound)
        stream.foreachRDD(keeper.bound_with_time)
        stream.foreachRDD(keeper)
        stream.foreachRDD(functools.partial(keeper.note, "partial"))
        stream.map(lambda kv: kv[1]).foreachRDD(lambda rdd: keeper.note("mapped", rdd))
        stream.transform(
            functools.partial(lambda number, rdd: rdd.map(lambda kv: int(kv[1]) + number), 5)
        ).foreachRDD(lambda _, rdd: keeper.note("transformed", rdd))
        raises(
            AssertionError,
            "func should take one or two arguments",
            lambda: stream.transform(lambda a, _, __: a),
        )

    names = ("bound", "bound_with_time", "call", "partial", "mapped", "transformed")
    run(build, lambda: all(keeper.seen.get(name) == 30 for name in names))


def case_offset_ranges_in_transform_and_in_foreach_rdd():
    topic, ranges, calls = filled(30), [], []

    def store(rdd):
        calls.append(rdd.offsetRanges())
        return rdd

    def build(ssc):
        stream = create(ssc, [topic], OLD)
        stream.foreachRDD(
            lambda rdd: ranges.append((rdd.offsetRanges(), rdd.map(lambda kv: kv).count()))
        )
        stored = stream.transform(store)
        assert type(stored) is KafkaTransformedDStream
        stored.map(lambda kv: int(kv[1])).map(lambda n: n + 1).foreachRDD(lambda rdd: rdd.count())
        stored.foreachRDD(lambda rdd: rdd.count())

    run(build, lambda: len(ranges) >= 3 and len(calls) >= 3)
    assert (
        sorted(ranges[0][0]) == [OffsetRange(topic, p, 0, 10) for p in range(3)]
        and ranges[0][1] == 30
    )
    assert sorted(calls[0]) == sorted(ranges[0][0])
    # once per batch
    assert all(sorted(r) == [OffsetRange(topic, p, 10, 10) for p in range(3)] for r in calls[1:])


def case_from_offsets_may_name_some_partitions_only():
    topic = filled(30)
    values = collected(
        lambda ssc: create(ssc, [topic], OLD, {TopicAndPartition(topic, 1): 7}).map(
            lambda kv: int(kv[1])
        ),
        3,
    )
    assert sorted(values) == [22, 25, 28]


def case_without_smallest_it_begins_at_the_end():
    for reset in ({}, {"auto.offset.reset": "largest"}, {"auto.offset.reset": "smalest"}):
        topic = filled(30)
        params = {"bootstrap.servers": [BOOTSTRAP], **reset}
        values = collected(
            lambda ssc, t=topic, p=params: create(ssc, [t], p),
            3,
            during=lambda t=topic: send(t, [b"new"] * 3),
        )
        assert values == [(None, "new")] * 3


def case_streams_of_any_kind_can_be_united_joined_and_windowed():
    """In PySpark a stream's elements must be in the form that its serializer says, whatever stream
    they came from."""
    topic, other = filled(15), filled(15)
    want = {
        "ssc": 30,
        "method": 30,
        "queue": 16,
        "with": 30,
        "receiver": 30,
        "window": 60,
        "join": 150,
        "state": 15,
    }
    seen = dict.fromkeys(want, 0)

    def note(name, stream):
        stream.foreachRDD(lambda rdd: seen.update({name: seen[name] + len(rdd.map(str).collect())}))

    def build(ssc):
        ssc.checkpoint(tempfile.mkdtemp())
        text, number = create(ssc, [topic], OLD), create(ssc, [other], OLD, valueDecoder=int)
        received = KafkaUtils.createStream(ssc, "zk:2181", "g-" + other, {other: 1}, dict(OLD))
        note("ssc", ssc.union(text, number))
        note("method", text.union(number))
        note("queue", text.union(ssc.queueStream([[("k", "v")]])))
        note("with", text.transformWith(lambda a, b: a.union(b), number))
        note("receiver", ssc.union(text, received))
        # each record is in two windows
        note("window", text.window(1, 0.5).union(number.window(1, 0.5)))
        note("join", text.map(lambda kv: (len(kv[1]), 1)).join(number.map(lambda kv: (1, kv[1]))))
        pairs = create(ssc, [topic], OLD, messageHandler=lambda m: (m.message, m.offset))
        state = pairs.updateStateByKey(
            lambda new, _: "new" if new else "old", initialRDD=[("x", "old")]
        )
        note("state", state.filter(lambda kv: kv[1] == "new"))

    run(build, lambda: all(seen[name] >= count for name, count in want.items()), 240)
    assert seen == want


def case_a_persisted_stream_is_read_once():
    topic, counts, stored = filled(15), [], []

    def note(rdd):
        counts.append(rdd.count() + rdd.map(len).count())
        stored.append(rdd.is_checkpointed or rdd._jrdd.getStorageLevel().useMemory())

    run(lambda ssc: create(ssc, [topic], OLD).cache().foreachRDD(note), lambda: sum(counts) == 30)
    assert all(stored)


def case_a_receiver_that_would_receive_nothing_says_so():
    ssc, told = StreamingContext(cases.sc, 1), []
    for topics in ({}, {"t": 0}, {"t": None}):
        raises(
            ValueError,
            "how many consumers read each topic",
            lambda t=topics: KafkaUtils.createStream(ssc, "z", "g", t, OLD),
        )
    raises(
        Py4JJavaError,
        "Must specify metadata.broker.list or",
        lambda: KafkaUtils.createStream(ssc, "", "g", {"t": 1}),
    )
    heard = logging.Handler()
    heard.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("kafka_dstreams").addHandler(heard)
    KafkaUtils.createStream(ssc, "nowhere.invalid:2181", "g", {"t": 1})
    KafkaUtils.createStream(ssc, BOOTSTRAP, "g", {"no-such": 1})
    wait_until(
        lambda: sum("the receiver waits for brokers and topic: " in line for line in told) == 2, 60
    )
    logging.getLogger("kafka_dstreams").removeHandler(heard)
    waits = sorted(
        line for line in told if line.startswith("the receiver waits for brokers and topic: ")
    )
    assert "No resolvable bootstrap urls" in waits[0] and "nowhere.invalid:9092" in waits[0]
    assert f"topic no-such does not exist on {BOOTSTRAP}" in waits[1]


def case_receivers_can_be_united_and_have_several_threads():
    topic = filled(30)

    def build(ssc):
        params = dict(OLD)
        streams = [
            KafkaUtils.createStream(
                ssc, "zk:2181", "g-" + topic, {topic: 2}, params, valueDecoder=lambda raw: int(raw)
            ),
            KafkaUtils.createStream(
                ssc,
                "zk:2181",
                "g-" + topic,
                {topic: 1},
                params,
                StorageLevel.MEMORY_ONLY,
                valueDecoder=int,
            ),
        ]
        assert isinstance(streams[0], DStream)
        return ssc.union(*streams).map(lambda kv: kv[1])

    assert sorted(collected(build, 30)) == list(range(30))


def case_a_value_may_be_a_reference():
    topic = filled(3)
    params = {
        "metadata.broker.list": f"${{file:{sys.argv[2]}:brokers}}",
        "auto.offset.reset": "smallest",
    }
    assert len(collected(lambda ssc: create(ssc, [topic], params), 3)) == 3
    secret = {**OLD, "sasl.jaas.config": 'x required username="u" password="p4ssw0rd";'}
    error = raises(
        ValueError,
        "sasl.jaas.config holds a secret in clear",
        lambda: create(StreamingContext(cases.sc, 1), [topic], secret),
    )
    assert "p4ssw0rd" not in str(error)


cases.main(globals())
