"""The connector on a real broker, without any tweet: what is read, in which ranges, at which
rate."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from tests.conftest import ROOT, Services
from tests.kit.other_spark import SUBMIT

APPROACHES = ("direct", "receiver")


def send(services: Services, topic: str, count: int, **options: Any) -> None:
    """Spread `count` numbered records evenly over the topic's three partitions."""
    producer = KafkaProducer(bootstrap_servers=services.bootstrap, **options)
    transactional = "transactional_id" in options
    if transactional:
        producer.init_transactions()
        producer.begin_transaction()
    for number in range(count):
        producer.send(topic, str(number).encode(), partition=number % 3)
    if transactional:
        producer.commit_transaction()
    producer.close()


def probe(
    services: Services, approach: str, topic: str, records: int, *params: str, **conf: Any
) -> list[dict[str, Any]]:
    """Run tests/on_spark/probe.py until this many records came; its batches, the empty ones left
    out."""
    options = [
        word
        for name, value in conf.items()
        for word in ("--conf", f"{name.replace('__', '.')}={value}")
    ]
    script = str(ROOT / "tests" / "on_spark" / "probe.py")
    command = [
        *SUBMIT,
        *options,
        script,
        approach,
        services.bootstrap,
        topic,
        str(records),
        *params,
    ]
    done = subprocess.run(
        command, env=os.environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # spark-submit lets a script's warnings come out with its data
    batches = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [batch for batch in batches if batch["records"]]


@pytest.mark.parametrize("approach", APPROACHES)
def test_every_record_comes_once_within_the_ranges_of_its_batch(
    services: Services, topic: str, approach: str
) -> None:
    send(services, topic, 300)
    batches = probe(services, approach, topic, 300)
    values = [value for batch in batches for _, _, value in batch["records"]]
    assert sorted(values, key=int) == [str(number) for number in range(300)]
    for batch in batches:
        named = {
            (partition, offset)
            for part in batch["ranges"]
            for _, partition, start, end in part
            for offset in range(start, end)
        }
        assert named == {(partition, offset) for partition, offset, _ in batch["records"]}


def test_max_rate_per_partition_bounds_each_batch(services: Services, topic: str) -> None:
    send(services, topic, 300)
    batches = probe(services, "direct", topic, 300, spark__streaming__kafka__maxRatePerPartition=40)
    assert [len(batch["records"]) for batch in batches] == [120, 120, 60]


def test_min_rate_per_partition_lifts_what_backpressure_allows(
    services: Services, topic: str
) -> None:
    send(services, topic, 60)
    batches = probe(
        services,
        "direct",
        topic,
        60,
        spark__streaming__backpressure__initialRate=1,
        spark__streaming__backpressure__pid__minRate=1,
        spark__streaming__kafka__minRatePerPartition=10,
    )
    assert len(batches[0]["records"]) == 30


def test_backpressure_shares_its_rate_by_lag(services: Services, topic: str) -> None:
    send(services, topic, 300)
    batches = probe(services, "direct", topic, 300, spark__streaming__backpressure__initialRate=90)
    assert len(batches[0]["records"]) == 90
    assert [part[0][3] - part[0][2] for part in batches[0]["ranges"]] == [30, 30, 30]


def test_under_backpressure_one_batch_waits_and_the_ones_behind_it_stay_empty(
    services: Services, topic: str
) -> None:
    send(services, topic, 420)
    options = {
        "spark__streaming__backpressure__initialRate": 30,
        "spark__streaming__backpressure__pid__minRate": 210,
    }
    batches = probe(services, "direct", topic, 420, **options, spark__probe__delay=8)
    # Eight are planned while the first one runs, all but one of them empty; eight of 30 would leave
    # too few for one of 210. Of the second's end the estimate hears by Spark's listeners: a batch
    # or two may be planned before that.
    sizes = [len(batch["records"]) for batch in batches]
    assert sizes[:2] == [30, 30]
    assert max(sizes) >= 210, sizes


def test_under_backpressure_empty_batches_that_wait_keep_no_record_out(
    services: Services, topic: str
) -> None:
    """Each batch takes longer than the interval, so that one waits for ever."""
    send(services, topic, 300)
    options = {
        "spark__streaming__backpressure__initialRate": 30,
        "spark__streaming__backpressure__pid__minRate": 90,
    }
    batches = probe(
        services, "direct", topic, 300, **options, spark__probe__delay=1.5, spark__probe__delays=1.5
    )
    assert sum(len(batch["records"]) for batch in batches) == 300


def test_max_rate_bounds_a_receiver(services: Services, topic: str) -> None:
    send(services, topic, 300)
    batches = probe(services, "receiver", topic, 300, spark__streaming__receiver__maxRate=100)
    sizes = [len(batch["records"]) for batch in batches]
    assert sum(sizes) == 300
    assert max(sizes) <= 160  # a second's worth, and a block more where it falls across the border


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_transactions_marker_at_the_end_of_a_range_is_no_record(
    services: Services, topic: str, approach: str
) -> None:
    send(services, topic, 30, transactional_id=topic)
    batches = probe(services, approach, topic, 30, "isolation.level=read_committed")
    ends = {part[1]: part[3] for batch in batches for ranges in batch["ranges"] for part in ranges}
    assert ends == {0: 11, 1: 11, 2: 11}  # ten records and the marker
    assert sum(len(batch["records"]) for batch in batches) == 30


def test_a_write_ahead_log_without_a_checkpoint_is_refused_at_the_start(
    services: Services, topic: str
) -> None:
    script = str(ROOT / "tests" / "on_spark" / "probe.py")
    option = "spark.streaming.receiver.writeAheadLog.enable=true"
    command = [
        *SUBMIT,
        "--conf",
        option,
        script,
        "receiver",
        services.bootstrap,
        topic,
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "call ssc.checkpoint(directory) before ssc.start()" in done.stdout + done.stderr


def test_the_log_keeps_what_a_receiver_stored(
    services: Services, topic: str, tmp_path: Path
) -> None:
    send(services, topic, 90)
    batches = probe(
        services,
        "receiver",
        topic,
        90,
        spark__streaming__receiver__writeAheadLog__enable="true",
        spark__probe__checkpoint=tmp_path.as_uri(),
    )
    assert sum(len(batch["records"]) for batch in batches) == 90
    assert list(tmp_path.glob("receivedData/0/log-*"))
