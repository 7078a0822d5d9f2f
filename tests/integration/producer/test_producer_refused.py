"""Records that Kafka will never take: set aside and counted, and the others are on the topic,
once."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient

from producer import run as producer_run
from producer.stopping import Interrupt
from tests.conftest import Services, wait_until
from tests.kit.producing import produce, published, run_here, under_way


@pytest.fixture
def compacted(admin: KafkaAdminClient, topic: str) -> Iterator[str]:
    """A compacted topic of the test's own with 3 partitions: it takes no record without a key."""
    name = f"{topic}-compacted"
    configs = {"cleanup.policy": "compact"}
    admin.create_topics(
        {name: {"num_partitions": 3, "replication_factor": 1, "configs": configs}},
        wait_for_metadata=True,
    )
    yield name
    admin.delete_topics([name], raise_errors=False)


def lines(count: int) -> tuple[list[bytes], set[int]]:
    """The tweets, and which of them have no id."""
    without = {n for n in range(count) if n % 97 == 13}
    return [
        b'{"text":"%d"}' % n if n in without else b'{"id":"%d","text":"x"}' % n
        for n in range(count)
    ], without


def set_aside(spool: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (spool / "rejected.jsonl").read_text().splitlines()]


def test_records_without_a_key_do_not_block_a_compacted_topic(
    services: Services, compacted: str, tmp_path: Path
) -> None:
    values, without = lines(2000)
    flags = (
        "--source",
        "replay",
        "--file",
        "-",
        "--topic",
        compacted,
        "--spool",
        str(tmp_path / "spool"),
    )
    out, err = produce(services, *flags, stdin=b"\n".join(values))
    report = json.loads(out)
    assert (report["acked"], report["rejected"]) == (2000 - len(without), len(without))
    assert (report["failed"], report["spooled"], report["stopped_by"]) == (0, 0, "end")
    times = Counter(published(services, compacted).values())
    assert times == Counter((b"%d" % n, values[n]) for n in range(2000) if n not in without), (
        "all others, each once"
    )
    aside = set_aside(tmp_path / "spool")
    assert [base64.b64decode(line["raw"]) for line in aside] == [values[n] for n in sorted(without)]
    assert {(line["topic"], line["key"]) for line in aside} == {(compacted, None)}
    assert all(line["reason"] and line["reason"] in err for line in aside)
    out, _ = produce(services, *flags, stdin=b'{"id":"a"}')
    assert (json.loads(out)["from_spool"], json.loads(out)["acked"]) == (0, 1), (
        "what was set aside is done with"
    )


def test_without_a_spool_they_are_named(services: Services, compacted: str) -> None:
    values, without = lines(300)
    out, err = produce(
        services,
        "--source",
        "replay",
        "--file",
        "-",
        "--topic",
        compacted,
        stdin=b"\n".join(values),
    )
    report = json.loads(out)
    assert (report["acked"], report["rejected"], report["failed"]) == (
        300 - len(without),
        len(without),
        0,
    )
    assert err.count("rejected: a record of") == len(without)


@pytest.mark.parametrize(("limit", "size"), [(2_000_000_000, 1000), (48_000_000, 40_000_000)])
def test_a_topic_that_takes_very_large_records(
    services: Services, topic: str, admin: KafkaAdminClient, tmp_path: Path, limit: int, size: int
) -> None:
    """More than librdkafka knows as a limit; and more than what is otherwise in flight."""
    admin.alter_configs([ConfigResource("TOPIC", topic, configs={"max.message.bytes": str(limit)})])
    values = [b'{"id":"%d","text":"%s"}' % (n, b"x" * size) for n in range(2)]
    flags = (
        "--source",
        "replay",
        "--file",
        "-",
        "--topic",
        topic,
        "--spool",
        str(tmp_path / "spool"),
    )
    out, _ = produce(services, *flags, stdin=b"\n".join([b'{"id":"a"}', *values, b'{"id":"b"}']))
    report = json.loads(out)
    assert (report["acked"], report["rejected"], report["failed"], report["spooled"]) == (
        4,
        0,
        0,
        0,
    )
    assert {len(value or b"") for value in dict(published(services, topic).values()).values()} == {
        10,
        len(values[0]),
    }


def test_a_stop_in_full_flight_counts_each_record_once(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is acknowledged while the connection is closed is crossed off and counted, or
    neither."""
    monkeypatch.setattr(producer_run, "DRAIN_S", 0.0)
    for after in (500, 5000, 20_000):
        interrupt = Interrupt()
        run = run_here(services, topic, tmp_path, interrupt, source="sample", max_posts=1_000_000)
        before = run.report().from_spool
        with under_way(run):
            enough = before + after
            wait_until(
                lambda run=run, enough=enough: run.report().acked > enough, 60, "much is in flight"
            )
            interrupt.asked = True
        report = run.report()
        assert (report.failed, report.rejected) == (0, 0)
        assert report.read + report.from_spool == report.acked + report.spooled
        told = len((tmp_path / "ledger").read_bytes().splitlines())
        assert told >= report.acked
