"""Kafka told exactly: where receivers begin, which tasks a batch gets, which parameters are
secrets. Each case on a real broker.

Run by tests/integration/connector/test_kafka_utils.py.
"""

import logging
import time

import cases
from cases import NEW, OLD, collected, make_topic, raises, run, send, wait_until
from py4j.java_gateway import get_field
from pyspark.streaming import StreamingContext

from kafka_dstreams import (
    direct_frames,
    direct_stream,
    leader_epochs,
    offset_ranges,
    params,
    receiver_stream,
)
from kafka_dstreams.kafka_utils import KafkaUtils


def case_a_latest_receiver_gets_what_comes_while_it_is_away():
    topic, seen = make_topic(2), []
    group = {**NEW, "group.id": topic, "auto.offset.reset": "latest"}

    def door(ssc):
        return receiver_stream(ssc, {topic: 1}, group).map(
            lambda record: (record.partition, record.value)
        )

    def first_record_came():
        send(topic, [b"first"], 1)  # to partition 0 only: partition 1 stays idle
        return seen

    run(lambda ssc: door(ssc).foreachRDD(lambda rdd: seen.extend(rdd.collect())), first_record_came)
    send(topic, [b"meanwhile"] * 2, 2)
    assert (1, b"meanwhile") in collected(door, 2, seconds=60)


def batches_of(door, count):
    """For each batch that is not empty the ranges of each of its tasks; until they hold `count`
    records."""
    seen = []

    def note(rdd):
        tasks = offset_ranges(rdd)
        if any(r.untilOffset > r.fromOffset for part in tasks for r in part):
            assert sorted(rdd.map(len).collect()), "what is planned can be read"
            seen.append(tasks)

    def records():
        return sum(r.untilOffset - r.fromOffset for tasks in seen for part in tasks for r in part)

    run(lambda ssc: door(ssc).foreachRDD(note), lambda: records() >= count)
    return seen


def case_frames_of_many_partitions_come_by_few_tasks_and_empty_partitions_by_none():
    topic = make_topic(60)
    send(topic, [b"x"] * 10, 2)
    (two,) = batches_of(lambda ssc: direct_frames(ssc, [topic], NEW), 10)
    assert (
        sorted((r.partition, r.untilOffset) for part in two for r in part) == [(0, 5), (1, 5)]
        and len(two) == 2
    )
    send(topic, [b"x"] * 120, 60)
    (all_of_them,) = batches_of(lambda ssc: direct_frames(ssc, [topic], NEW), 130)
    assert len(all_of_them) == 2 * cases.sc.defaultParallelism
    assert sorted(r.partition for part in all_of_them for r in part) == list(range(60))
    sizes = [sum(r.untilOffset - r.fromOffset for r in part) for part in all_of_them]
    assert max(sizes) - min(sizes) <= 7, f"balanced by records: {sizes}"


def case_a_stream_of_records_keeps_one_task_for_each_partition():
    topic, seen = make_topic(60), []
    send(topic, [b"x"] * 10, 2)
    run(
        lambda ssc: direct_stream(ssc, [topic], NEW).foreachRDD(
            lambda rdd: seen.append(rdd.offsetRanges())
        ),
        lambda: seen,
    )
    assert sorted(r.partition for r in seen[0]) == list(range(60))


def case_every_parameter_that_kafka_calls_a_password_is_known():
    kafka = cases.sc._jvm.org.apache.kafka
    found = set()
    for config in (kafka.clients.consumer.ConsumerConfig, kafka.clients.admin.AdminClientConfig):
        keys = config.configDef().configKeys().values()
        found |= {
            get_field(key, "name")
            for key in keys
            if get_field(key, "type").toString() == "PASSWORD"
        }
    assert found == set(params.SECRETS), found ^ set(params.SECRETS)


def case_both_streams_know_the_leader_epochs_of_their_records():
    topic, seen = make_topic(2), {"direct": {}, "receiver": {}}
    send(topic, [b"x"] * 4, 2)

    def build(ssc):
        group = {**NEW, "group.id": topic, "auto.offset.reset": "earliest"}
        direct_stream(ssc, [topic], NEW).foreachRDD(
            lambda rdd: seen["direct"].update(leader_epochs(rdd))
        )
        receiver_stream(ssc, {topic: 1}, group).foreachRDD(
            lambda rdd: seen["receiver"].update(leader_epochs(rdd))
        )

    run(build, lambda: all(len(epochs) == 2 for epochs in seen.values()))
    assert seen["direct"] == seen["receiver"] == {(topic, 0): 0, (topic, 1): 0}


def told():
    """What the connector warns of from here on."""
    heard, messages = logging.Handler(), []
    heard.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("kafka_dstreams").addHandler(heard)
    return messages


def admin_clients():
    threads = cases.sc._jvm.java.lang.Thread.getAllStackTraces().keySet()
    return sum("kafka-admin-client-thread" in thread.getName() for thread in threads)


def case_brokers_that_do_not_answer_hold_up_no_script():
    ssc, messages, before, begun = (
        StreamingContext(cases.sc, 1),
        told(),
        admin_clients(),
        time.monotonic(),
    )
    KafkaUtils.createStream(ssc, "127.0.0.1:1", "g", {"t": 1})
    assert time.monotonic() - begun < 4
    wait_until(
        lambda: any("the receiver waits for brokers and topic" in message for message in messages),
        30,
    )
    wait_until(lambda: admin_clients() == before, 10)


def case_old_settings_and_mistakes_have_an_answer():
    ssc, messages = StreamingContext(cases.sc, 1), told()
    wrong = lambda: KafkaUtils.createStream(ssc, "z", "g", {"t": 1}, dict(OLD), "MEMORY_ONLY")  # noqa: E731
    raises(Exception, "storageLevel must be of type pyspark.StorageLevel", wrong)
    cases.sc._conf.set("spark.streaming.kafka.maxRetries", "3")
    for _ in range(2):
        raises(
            Exception,
            "does not exist",
            lambda: KafkaUtils.createDirectStream(ssc, ["no-such"], OLD),
        )
    assert (
        sum("spark.streaming.kafka.maxRetries has no effect" in message for message in messages)
        == 1
    )


cases.main(globals())
