"""What the streams read, in which ranges, at which rate, without any tweet. Each case on a real
broker. Run by tests/integration/connector/test_connector.py."""

import contextlib
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import cases
from cases import BOOTSTRAP, filled, make_topic, raises
from kafka import KafkaProducer
from pyspark.streaming import StreamingContext

from kafka_dstreams import decode, direct_frames, offset_ranges, receiver_frames

APPROACHES = {
    "direct": direct_frames,
    "receiver": lambda ssc, topics, params: receiver_frames(ssc, dict.fromkeys(topics, 1), params),
}


@contextlib.contextmanager
def settings(conf):
    """Spark's settings (without their `spark.streaming.`, __ for a dot) while the block runs."""
    live = cases.sc._jsc.sc().conf()
    names = {
        f"spark.streaming.{name.replace('__', '.')}": str(value) for name, value in conf.items()
    }
    before = {name: live.get(name) for name in names if live.contains(name)}
    for name, value in names.items():
        live.set(name, value)
    try:
        yield
    finally:
        for name in names:
            live.remove(name)
        for name, value in before.items():
            live.set(name, value)


def rows(data):
    return [
        (record.partition, record.offset, record.value and record.value.decode())
        for record in decode(data).records()
    ]


def read(
    approach, topic, count, interval=0.5, more=None, delay=0, delays=0, checkpoint=None, **conf
):
    """Read until `count` records came; the batches, the empty ones left out: `ranges` of each task,
    and `records`.

    The first batch takes `delay` seconds longer, the others `delays`. `more`: Kafka's parameters.
    """
    batches, group = [], {"bootstrap.servers": BOOTSTRAP, "group.id": f"{topic}-{approach}"}
    counted = 0

    def show(rdd):
        nonlocal counted
        time.sleep(delays if counted else delay)
        records = rdd.flatMap(rows).collect()
        counted += len(records)
        if records:
            batches.append(SimpleNamespace(ranges=offset_ranges(rdd), records=records))

    def build(ssc):
        if checkpoint:
            ssc.checkpoint(checkpoint)
        APPROACHES[approach](ssc, [topic], {**group, **(more or {})}).foreachRDD(show)

    with settings(conf):
        cases.run(build, lambda: counted >= count, interval=interval)
    return batches


def sizes(batches):
    return [len(batch.records) for batch in batches]


def case_every_record_comes_once_within_the_ranges_of_its_batch():
    topic = filled(300)
    for approach in APPROACHES:
        batches = read(approach, topic, 300)
        values = [value for batch in batches for _, _, value in batch.records]
        assert sorted(values, key=int) == [str(number) for number in range(300)]
        for batch in batches:
            named = {
                (r.partition, offset)
                for part in batch.ranges
                for r in part
                for offset in range(r.fromOffset, r.untilOffset)
            }
            assert named == {(partition, offset) for partition, offset, _ in batch.records}


def case_max_rate_per_partition_bounds_each_batch():
    batches = read("direct", filled(300), 300, kafka__maxRatePerPartition=80)
    assert sizes(batches) == [120, 120, 60]


def case_min_rate_per_partition_lifts_what_backpressure_allows():
    rates = {"backpressure__initialRate": 1, "backpressure__pid__minRate": 1}
    batches = read("direct", filled(60), 30, **rates, kafka__minRatePerPartition=10)
    assert sizes(batches)[0] == 30


def case_backpressure_shares_its_rate_by_lag():
    batches = read("direct", filled(300), 90, backpressure__initialRate=180)
    assert sizes(batches)[0] == 90
    assert [part[0].untilOffset - part[0].fromOffset for part in batches[0].ranges] == [30, 30, 30]


def case_under_backpressure_one_batch_waits_and_the_ones_behind_it_stay_empty():
    """Eight are planned while the first one runs, all but one of them empty; eight of 30 would
    leave too few for one of 210. Of the second's end the estimate hears by Spark's listeners: a
    batch or two may be planned before that."""
    rates = {"backpressure__initialRate": 60, "backpressure__pid__minRate": 420}
    found = sizes(read("direct", filled(420), 420, **rates, delay=4))
    assert found[:2] == [30, 30]
    assert max(found) >= 210, found


def case_under_backpressure_empty_batches_that_wait_keep_no_record_out():
    """Each batch takes longer than the interval, so that one waits for ever."""
    rates = {"backpressure__initialRate": 100, "backpressure__pid__minRate": 300}
    slow = {"interval": 0.3, "delay": 0.45, "delays": 0.45}
    assert sum(sizes(read("direct", filled(300), 300, **slow, **rates))) == 300


def case_max_rate_bounds_a_receiver():
    found = sizes(read("receiver", filled(300), 300, interval=1, receiver__maxRate=100))
    assert sum(found) == 300
    # a second's worth, and a block more where it falls across the border
    assert max(found) <= 160, found


def case_a_transactions_marker_at_the_end_of_a_range_is_no_record():
    topic = make_topic()
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    for number in range(30):
        producer.send(topic, b"%d" % number, partition=number % 3)
    producer.commit_transaction()
    producer.close()
    for approach in APPROACHES:
        batches = read(approach, topic, 30, more={"isolation.level": "read_committed"})
        ends = {
            r.partition: r.untilOffset for batch in batches for part in batch.ranges for r in part
        }
        assert ends == {0: 11, 1: 11, 2: 11}  # ten records and the marker
        assert sum(sizes(batches)) == 30


def case_a_write_ahead_log_without_a_checkpoint_is_refused_at_the_start():
    topic, ssc = make_topic(), StreamingContext(cases.sc, 1)
    params = {"bootstrap.servers": BOOTSTRAP, "group.id": topic}
    with settings({"receiver__writeAheadLog__enable": "true"}):
        receiver_frames(ssc, {topic: 1}, params).foreachRDD(lambda rdd: rdd.count())
        raises(Exception, "call ssc.checkpoint(directory) before ssc.start()", ssc.start)
        ssc.stop(stopSparkContext=False)


def case_receivers_that_leave_no_core_for_batches_are_refused_at_the_start():
    topic, ssc = make_topic(), StreamingContext(cases.sc, 1)
    for number in range(3):  # of local[3]
        params = {"bootstrap.servers": BOOTSTRAP, "group.id": f"{topic}-{number}"}
        receiver_frames(ssc, {topic: 1}, params).foreachRDD(lambda rdd: rdd.count())
    refused = raises(Exception, "no batch would ever run", ssc.start)
    assert "--master local[4] or more" in str(refused)
    ssc.stop(stopSparkContext=False)


def case_the_log_keeps_what_a_receiver_stored():
    folder, log = Path(tempfile.mkdtemp()), {"receiver__writeAheadLog__enable": "true"}
    batches = read("receiver", filled(90), 90, checkpoint=folder.as_uri(), **log)
    assert sum(sizes(batches)) == 90
    assert list(folder.glob("receivedData/0/log-*"))


cases.main(globals())
