"""Kafka told exactly: where receivers begin, which tasks a batch gets, which parameters are secrets. Case by case on a real broker.

Run by tests/integration/test_kafka_utils.py.
"""

import cases
from cases import NEW, collected, make_topic, run, send

from kafka_dstreams import direct_frames, direct_stream, offset_ranges, params, receiver_stream


def case_a_latest_receiver_gets_what_comes_while_it_is_away():
    topic, seen = make_topic(2), []
    group = {**NEW, "group.id": topic, "auto.offset.reset": "latest"}

    def door(ssc):
        return receiver_stream(ssc, {topic: 1}, group).map(lambda record: (record.partition, record.value))

    def first_record_came():
        send(topic, [b"first"], 1)  # to partition 0 only: partition 1 stays idle
        return seen

    run(lambda ssc: door(ssc).foreachRDD(lambda rdd: seen.extend(rdd.collect())), first_record_came)
    send(topic, [b"meanwhile"] * 2, 2)
    assert (1, b"meanwhile") in collected(door, 2, seconds=60)


def batches_of(door, count):
    """For each batch that is not empty the ranges of each of its tasks; until they hold `count` records."""
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
    assert sorted((r.partition, r.untilOffset) for part in two for r in part) == [(0, 5), (1, 5)] and len(two) == 2
    send(topic, [b"x"] * 120, 60)
    (all_of_them,) = batches_of(lambda ssc: direct_frames(ssc, [topic], NEW), 130)
    assert len(all_of_them) == 2 * cases.sc.defaultParallelism
    assert sorted(r.partition for part in all_of_them for r in part) == list(range(60))
    sizes = [sum(r.untilOffset - r.fromOffset for r in part) for part in all_of_them]
    assert max(sizes) - min(sizes) <= 7, f"balanced by records: {sizes}"


def case_a_stream_of_records_keeps_one_task_for_each_partition():
    topic, seen = make_topic(60), []
    send(topic, [b"x"] * 10, 2)
    run(lambda ssc: direct_stream(ssc, [topic], NEW).foreachRDD(lambda rdd: seen.append(rdd.offsetRanges())), lambda: seen)
    assert [r.partition for r in seen[0]] == list(range(60))


def case_every_parameter_that_kafka_calls_a_password_is_known():
    kafka = cases.sc._jvm.org.apache.kafka
    found = set()
    for config in (kafka.clients.consumer.ConsumerConfig, kafka.clients.admin.AdminClientConfig):
        keys = config.configDef().configKeys().values()
        found |= {key.name for key in keys if str(key.type()) == "PASSWORD"}
    assert found == set(params.SECRETS), found ^ set(params.SECRETS)


cases.main(globals())
