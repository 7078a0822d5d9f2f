"""The receiver under kills, stops, a failing and a slow write-ahead log, and retention: which
offsets come out, and how often."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.conftest import PATIENCE, Services, wait_until
from tests.kit.faults.attacks import java_jar
from tests.kit.old_scripts import Running, running
from tests.kit.other_spark import connector_jars

LOG = [
    "--conf",
    "spark.streaming.receiver.writeAheadLog.enable=true",
    "--conf",
    "spark.streaming.gracefulStopTimeout=60s",
]
Offsets = set[tuple[int, int]]


@pytest.fixture(scope="session")
def faulty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar with the write-ahead log that fails and waits on order."""
    return java_jar("FaultyLog", tmp_path_factory.mktemp("faulty-log"))


@contextmanager
def traffic(services: Services, topic: str) -> Iterator[Offsets]:
    """Records go to the three partitions by turns, some hundred a second; what has been
    acknowledged is in the set."""
    acknowledged: Offsets = set()
    enough = threading.Event()
    producer = KafkaProducer(bootstrap_servers=services.bootstrap, linger_ms=5)

    def send() -> None:
        while not enough.wait(0.02):
            for partition in (0, 1, 2, 0, 1, 2):
                sent = producer.send(topic, b"x", partition=partition)
                sent.add_callback(lambda at: acknowledged.add((at.partition, at.offset)))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield acknowledged
    finally:
        enough.set()
        thread.join()
        producer.close()


def batches(text: str) -> dict[str, list[tuple[int, int]]]:
    """The batches that receiving.py has printed and that are not empty: time, and the offsets in
    it."""
    rows = [json.loads(line) for line in text.splitlines() if line.startswith('{"time"')]
    return {row["time"]: [(p, o) for p, o in row["offsets"]] for row in rows if row["offsets"]}


def came(*texts: str) -> Offsets:
    """All offsets in these outputs."""
    return {offset for text in texts for batch in batches(text).values() for offset in batch}


@contextmanager
def receiving(
    services: Services, topic: str, folder: Path, *words: str, options: tuple[str, ...] = ()
) -> Iterator[Running]:
    """receiving.py with its checkpoint in `folder`, one receiver of one consumer unless `words` say
    otherwise."""
    folder.mkdir(exist_ok=True)
    runs = len(list(folder.glob("run-*")))
    words = words or ("1", "1")
    with running(
        "receiving.py",
        [services.bootstrap, topic, str(folder), *words],
        folder / f"run-{runs}",
        [*LOG, *options],
    ) as run:
        yield run


def stopped(run: Running, folder: Path) -> float:
    """Ask for a graceful stop; how many seconds it took."""
    (folder / "stop").touch()
    text = run.wait_for(lambda text: '{"stopped"' in text, "the stop")
    return float(
        json.loads(next(line for line in text.splitlines() if line.startswith('{"stopped"')))[
            "stopped"
        ]
    )


def committed(admin: KafkaAdminClient, group: str) -> dict[int, int]:
    """The group's offset in each partition."""
    offsets = admin.list_group_offsets({group: None})[group]
    return {partition.partition: at.offset for partition, at in offsets.items()}


@pytest.mark.long
def test_a_killed_receivers_acknowledged_records_all_come_out_of_one_batch_each(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    with traffic(services, topic) as sent:
        with receiving(services, topic, tmp_path) as run:
            run.wait_for(lambda text: len(batches(text)) >= 8, "eight batches")
        first, acknowledged = run.output(), committed(admin, topic)
        with receiving(services, topic, tmp_path) as run:
            run.wait_for(batches, "the first batch after the recovery")
            wait_until(
                lambda: max(o for _, o in sent.copy()) > max(acknowledged.values()) + 50,
                60,
                "traffic after the recovery",
            )
    # the producer is closed: all is acknowledged
    with receiving(services, topic, tmp_path) as last:
        last.wait_for(lambda text: came(first, run.output(), text) == sent, "the rest")
    again = batches(run.output())
    everything = [batches(text) for text in (first, run.output(), last.output())]
    times: dict[tuple[int, int], set[str]] = {}
    for time, offsets in (item for output in everything for item in output.items()):
        for offset in offsets:
            times.setdefault(offset, set()).add(time)
    assert acknowledged and all(
        len(times[p, o]) == 1 for p, end in acknowledged.items() for o in range(end)
    )
    assert not set(list(batches(first))[:3]) & set(again), (
        "batches that had ended are not run again"
    )


@pytest.mark.long
def test_a_graceful_stop_under_traffic_leaves_nothing_behind_for_the_old_checkpoint(
    services: Services, topic: str, tmp_path: Path
) -> None:
    with traffic(services, topic) as sent:
        with receiving(services, topic, tmp_path / "old") as run:
            run.wait_for(lambda text: len(batches(text)) >= 4, "four batches")
            assert stopped(run, tmp_path / "old") < 20 * PATIENCE
        old = run.output()
        with receiving(services, topic, tmp_path / "fresh") as run:
            run.wait_for(
                lambda text: len(batches(text)) >= 2, "two batches of the fresh checkpoint"
            )
    with receiving(services, topic, tmp_path / "fresh") as last:
        last.wait_for(lambda text: came(old, run.output(), text) == sent, "the rest")
    assert not came(old) & came(run.output()), (
        "what one checkpoint has brought the other does not bring again"
    )


@contextmanager
def with_faults(
    services: Services, topic: str, folder: Path, jar: Path, *words: str
) -> Iterator[SimpleNamespace]:
    """receiving.py on the faulty log: `run`, `order(lines)` and `served()`."""
    orders, served = folder / "orders", folder / "served"

    def order(*lines: str) -> None:
        (folder / "new").write_text("".join(f"{line}\n" for line in lines))
        (folder / "new").replace(orders)

    order()
    jars = ",".join([*connector_jars(), str(jar)])
    options = ("--jars", jars, "--master", "local[4]", "--conf", f"spark.test.log={folder}")
    options += ("--conf", "spark.streaming.receiver.writeAheadLog.class=FaultyLog")
    with receiving(services, topic, folder, *words, options=options) as run:
        yield SimpleNamespace(
            run=run,
            order=order,
            served=lambda: served.read_text().splitlines() if served.exists() else [],
        )


def restarts(run: Running) -> list[datetime]:
    """When Spark ordered a new receiver, each 2 s before its start."""
    said = run.err.read_text().splitlines()
    return [
        datetime.strptime(line[:8], "%H:%M:%S")
        for line in said
        if "Impl: Restarting receiver with delay 2000 ms" in line
    ]


def test_a_log_that_fails_is_tried_by_one_new_receiver_at_a_time(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path, faulty_log: Path
) -> None:
    with with_faults(services, topic, tmp_path, faulty_log, "1", "2") as script:
        script.order("fail", "fail", "fail")
        with traffic(services, topic) as sent:
            script.run.wait_for(batches, "a first batch")
            assert script.served() == ["fail"] * 3
            assert 1 <= len(restarts(script.run)) <= 3, (
                "one a failure, or one for several that came at once"
            )
            wait_until(
                lambda: len(admin.describe_groups([topic])[topic]["members"]) == 2,
                60,
                "the failed ones' consumers are gone",
            )
        text = script.run.wait_for(lambda text: came(text) == sent, "every record")
        assert sum(map(len, batches(text).values())) == len(sent), (
            "nothing of a failed store comes out"
        )
        script.order(*["fail"] * 1000)
        with traffic(services, topic):
            wait_until(lambda: len(script.served()) > 3, 60, "the log fails again")
            assert stopped(script.run, tmp_path) < 30 * PATIENCE
        apart = [
            (later - earlier) % timedelta(days=1)
            for earlier, later in pairwise(restarts(script.run))
        ]
        assert all(pause >= timedelta(seconds=2) for pause in apart), (
            "each receiver fails after its delay, not beside another"
        )


def test_a_log_slower_than_the_group_allows_costs_no_record(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path, faulty_log: Path
) -> None:
    with with_faults(
        services, topic, tmp_path, faulty_log, "2", "1", "max.poll.interval.ms=3000"
    ) as script:
        with traffic(services, topic) as sent:
            script.run.wait_for(
                lambda text: len({p for p, _ in came(text)}) == 3, "batches of all partitions"
            )
            script.order("8000")
            told = script.run.err.read_text
            wait_until(
                lambda: "could not acknowledge it, the records will come again" in told(),
                90,
                "the slow one is put out",
            )
        script.run.wait_for(lambda text: came(text) == sent, "every record")
        ends = {p: max(o for q, o in sent if q == p) + 1 for p in range(3)}
        wait_until(lambda: committed(admin, topic) == ends, 60, "all is acknowledged")
    assert "Restarting receiver" not in told()


def test_a_recovered_receiver_does_not_skip_what_retention_deleted(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    with receiving(services, topic, tmp_path) as run, traffic(services, topic):
        run.wait_for(batches, "a batch")
    ends = committed(admin, topic)
    producer = KafkaProducer(bootstrap_servers=services.bootstrap)
    last = {
        p: max(producer.send(topic, b"x", partition=p).get().offset for _ in range(500))
        for p in ends
    }
    producer.close()
    admin.delete_records({TopicPartition(topic, p): offset for p, offset in last.items()})
    with receiving(services, topic, tmp_path) as run:
        wait_until(lambda: run.process.poll() is not None, 180, "the recovered stream ends")
        assert run.process.returncode != 0
        assert "DataLossException" in run.output() + run.err.read_text()
        assert not came(run.output()) & {(p, o) for p, o in last.items()}
