"""Today's doors, and logs with holes, case by case on a real broker. Run by
tests/integration/connector/test_kafka_utils.py."""

import time
import uuid
from functools import partial

import cases
from cases import BOOTSTRAP, NEW, OLD, collected, filled, make_topic, raises, run, send, wait_until
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient
from pyspark.streaming import StreamingContext

from kafka_dstreams import (
    OffsetRange,
    Record,
    RecordWithHeaders,
    commit,
    commit_ranges,
    direct_stream,
    receive_in,
    receiver_stream,
    topics,
)
from kafka_dstreams.kafka_utils import KafkaUtils
from kafka_dstreams.kafka_utils import TopicAndPartition as Partition


def admin(call):
    client = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    try:
        return call(client)
    finally:
        client.close()


def case_records_with_and_without_headers():
    topic = make_topic(1)
    many = [("h", b"\x00"), ("h", b""), ("ü", b"x")]
    send(topic, [(b"k", b"v", many), (None, b"w")], 1)

    def received(ssc, **options):
        params = {**NEW, "group.id": f"{topic}{options}", "auto.offset.reset": "earliest"}
        return receiver_stream(ssc, {topic: 1}, params, **options)

    for door in (lambda ssc, **options: direct_stream(ssc, [topic], NEW, **options)), received:
        plain = collected(door, 2)
        assert [record[:3] + record[4:] for record in plain] == [
            (topic, 0, 0, b"k", b"v"),
            (topic, 0, 1, None, b"w"),
        ]
        assert isinstance(plain[0], Record) and plain[0].timestamp > 1_600_000_000_000
        full = collected(lambda ssc, door=door: door(ssc, headers=True), 2)
        assert [record.headers for record in full] == [many, []] and isinstance(
            full[0], RecordWithHeaders
        )


def case_both_doors_streams_know_their_ranges():
    topic, seen = filled(30), {"direct": [], "receiver": []}

    def note(name, rdd):
        seen[name] += [r.untilOffset - r.fromOffset for r in rdd.offsetRanges()]

    def build(ssc):
        params = {**NEW, "group.id": topic, "auto.offset.reset": "earliest"}
        direct_stream(ssc, [topic], NEW).foreachRDD(partial(note, "direct"))
        receiver_stream(ssc, {topic: 2}, params).foreachRDD(partial(note, "receiver"))

    run(build, lambda: all(sum(counts) == 30 for counts in seen.values()))


def case_a_group_may_be_told_and_asked_where_to_go_on():
    topic = filled(30)
    params = {**NEW, "group.id": topic}
    ranges = [
        OffsetRange(topic, 0, 0, 10),
        OffsetRange(topic, 1, 0, 6),
        OffsetRange(topic, 1, 6, 8),
    ]
    commit_ranges(params, ranges)
    rest = collected(
        lambda ssc: direct_stream(ssc, [topic], params, start="committed").map(
            lambda r: (r.partition, r.offset)
        ),
        12,
    )
    assert sorted(rest) == [(1, 8), (1, 9), *((2, n) for n in range(10))]
    commit_ranges(params, [OffsetRange(topic, 2, 0, 3_000_000_000)])
    offsets = admin(lambda client: client.list_group_offsets({topic: None}))[topic]
    assert offsets[TopicPartition(topic, 2)].offset == 3_000_000_000


def case_arguments_that_would_read_nothing_or_the_wrong_thing_are_refused():
    ssc, group = StreamingContext(cases.sc, 1), {**NEW, "group.id": "g"}
    raises(
        ValueError,
        "start should be earliest, latest, committed or",
        lambda: direct_stream(ssc, ["t"], NEW, "lastest"),
    )
    raises(ValueError, "should have group.id", lambda: direct_stream(ssc, ["t"], NEW, "committed"))
    raises(ValueError, "should have bootstrap.servers", lambda: direct_stream(ssc, ["t"], {}))
    raises(
        ValueError,
        "should have bootstrap.servers and group.id",
        lambda: receiver_stream(ssc, {"t": 1}, {"a": 1}),
    )
    raises(
        ValueError,
        "how many consumers read each topic",
        lambda: receiver_stream(ssc, {"t": 0}, group),
    )
    raises(ValueError, "should have group.id", lambda: commit_ranges(NEW, []))


def case_partitions_added_while_running():
    def grow(topic):
        admin(lambda client: client.create_partitions({topic: 4}))
        send(topic, [b"new"] * 8, 4)

    topic = filled(3)
    values = collected(
        lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], OLD), 9, during=lambda: grow(topic)
    )
    assert [value for _, value in values].count("new") == 6  # not the fourth partition's, as ever
    topic, params = filled(3), {**OLD, "discoverPartitions": True}
    values = collected(
        lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], params),
        11,
        during=lambda: grow(topic),
    )
    assert [value for _, value in values].count("new") == 8


def case_a_start_that_retention_has_deleted():
    topic = filled(30)
    admin(lambda client: client.delete_records({TopicPartition(topic, 0): 4}))
    start = {Partition(topic, p): 0 for p in range(3)}
    failed = collected_error(lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], OLD, start))
    assert f"{topic}-0 offset 0 is no longer in Kafka: it begins at 4" in failed
    lenient = {**OLD, "failOnDataLoss": "false"}
    values = collected(lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], lenient, start), 26)
    assert len(values) == 26
    rdd = KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, 4, 10)])
    assert rdd.count() == 6
    raises(
        Exception,
        "Offsets not available on leader",
        lambda: KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, 3, 10)]),
    )


def case_a_receivers_start_that_retention_has_deleted():
    topic = filled(30)
    params = {**NEW, "group.id": topic}
    commit_ranges(params, [OffsetRange(topic, p, 0, 1) for p in range(3)])
    admin(lambda client: client.delete_records({TopicPartition(topic, 0): 4}))
    stream = collected(
        lambda ssc: receiver_stream(ssc, {topic: 1}, params, fail_on_data_loss=False), 24
    )
    assert sorted(record[1:3] for record in stream) == [(0, n) for n in range(4, 10)] + [
        (p, n) for p in (1, 2) for n in range(1, 10)
    ]


def case_a_receivers_group_may_be_named_before_the_start():
    topic = filled(30)
    group = f"{topic}-mine"
    commit(NEW, group, {(topic, p): 4 for p in range(3)})

    def door(ssc):
        stream = receiver_stream(
            ssc, {topic: 1}, {**NEW, "group.id": topic, "auto.offset.reset": "earliest"}
        )
        receive_in(ssc, group)
        return stream

    assert sorted(record[1:3] for record in collected(door, 18)) == [
        (p, n) for p in range(3) for n in range(4, 10)
    ]


def case_transactions_leave_no_trace_but_their_records():
    topic = make_topic(1)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=topic)
    producer.init_transactions()
    for word, end in ((b"yes", producer.commit_transaction), (b"no", producer.abort_transaction)):
        producer.begin_transaction()
        for _ in range(5):
            producer.send(topic, word, partition=0)
        producer.flush()
        end()
    producer.close()
    committed = {**OLD, "isolation.level": "read_committed"}
    wait_until(
        lambda: (
            topics({**NEW, "isolation.level": "read_committed"}, [topic])[topic].partitions[0]
            == (0, 12)
        )
    )
    # the last records are aborted, then a marker
    rdd = KafkaUtils.createRDD(cases.sc, committed, [OffsetRange(topic, 0, 0, 12)])
    assert (rdd.count(), rdd.values().distinct().collect()) == (5, ["yes"])
    values = collected(lambda ssc: KafkaUtils.createDirectStream(ssc, [topic], committed), 5)
    assert values == [(None, "yes")] * 5
    everything = KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, 0, 12)])
    assert everything.count() == 10


def compacted(topic):
    """18 records of one key in three closed segments, and one of another key behind them:
    compaction leaves the last two."""
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "min.compaction.lag.ms": "0",
    }
    spec = {topic: {"num_partitions": 1, "replication_factor": 1, "configs": config}}
    admin(lambda client: client.create_topics(spec, wait_for_metadata=True))
    admin(
        lambda client: client.alter_configs(
            [ConfigResource("BROKER", "1", configs={"log.cleaner.backoff.ms": "500"})]
        )
    )
    producer, start = KafkaProducer(bootstrap_servers=BOOTSTRAP), int(time.time() * 1000) - 10_000
    for number in range(19):  # six records a second, by their own account
        producer.send(
            topic,
            b"%d" % number,
            key=b"k" if number < 18 else b"l",
            timestamp_ms=start + number // 6 * 1000,
        ).get()
    producer.close()
    rdd = KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, 0, 19)])
    wait_until(lambda: rdd.values().collect() == ["17", "18"], 90)


def bean_server(method, *arguments):
    """A call of the JVM's MBean server: py4j is not let into its class, so by the interface."""
    jvm, values = (
        cases.sc._jvm,
        cases.sc._gateway.new_array(cases.sc._jvm.java.lang.Object, len(arguments)),
    )
    for number, value in enumerate(arguments):
        values[number] = value
    methods = jvm.java.lang.Class.forName("javax.management.MBeanServer").getMethods()
    call = next(found for found in methods if found.getName() == method)
    return call.invoke(jvm.java.lang.management.ManagementFactory.getPlatformMBeanServer(), values)


def consumed(topic):
    """How many records Kafka's clients in this JVM have given out of the topic."""
    pattern = f"kafka.consumer:type=consumer-fetch-manager-metrics,client-id=*,topic={topic}"
    names = bean_server("queryNames", cases.sc._jvm.javax.management.ObjectName(pattern), None)
    assert not names.isEmpty(), "no consumer has read this topic"
    return sum(bean_server("getAttribute", name, "records-consumed-total") for name in names)


def case_compaction_leaves_gaps_at_both_ends_of_a_range():
    topic = f"compacted-{uuid.uuid4().hex[:12]}"
    compacted(topic)
    for span, want in (
        ((0, 19), ["17", "18"]),
        ((2, 9), []),
        ((5, 18), ["17"]),
        ((0, 17), []),
        ((17, 18), ["17"]),
    ):
        rdd = KafkaUtils.createRDD(cases.sc, OLD, [OffsetRange(topic, 0, *span)])
        assert (rdd.values().collect(), rdd.count(), rdd.isEmpty()) == (
            want,
            len(want),
            not want,
        ), span
    before = consumed(topic)
    ranges = []

    def door(ssc):
        stream = KafkaUtils.createDirectStream(ssc, [topic], OLD)
        stream.foreachRDD(lambda rdd: ranges.extend(rdd.offsetRanges()))
        return stream.map(lambda kv: kv[1])

    assert collected(door, 2) == ["17", "18"] and ranges[0] == OffsetRange(topic, 0, 0, 19)
    assert consumed(topic) - before == 2, "a batch is read once"
    params = {**NEW, "group.id": topic, "auto.offset.reset": "earliest"}
    assert [
        r.offset for r in collected(lambda ssc: receiver_stream(ssc, {topic: 1}, params), 2)
    ] == [17, 18]


def case_a_receiver_leaves_out_what_was_aborted():
    topic = filled(4, 1)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"no", partition=0)
    producer.flush()
    producer.abort_transaction()
    producer.close()
    params = {
        **NEW,
        "group.id": topic,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
    ends = []

    def door(ssc):
        stream = receiver_stream(ssc, {topic: 1}, params)
        stream.foreachRDD(lambda rdd: ends.extend(r.untilOffset for r in rdd.offsetRanges()))
        return stream.map(lambda record: record.value)

    seen = []
    run(
        lambda ssc: door(ssc).foreachRDD(lambda rdd: seen.extend(rdd.collect())),
        lambda: ends and max(ends) == 6,
    )
    assert seen == [b"0", b"1", b"2", b"3"]


def collected_error(stream_of):
    """What the stream's failing batch says."""
    try:
        collected(stream_of, 1_000)
    except Exception as error:
        return str(error)
    raise AssertionError("no batch failed")


cases.main(globals())
