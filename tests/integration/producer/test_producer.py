"""`python -m producer` into a real broker: what is on the topic, in the ledger and in the
report."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient

from config.errors import ServiceUnreachable
from local.stub_servers.jetstream import Jetstream
from local.stub_servers.x import XStub
from producer.doctor import broker as check_broker
from producer.publishing import brokers
from tests.conftest import HOST, ROOT, Services, wait_until
from tests.kit.producing import (
    Misled,
    MisledKafka,
    assert_ledger_matches,
    ordered,
    produce,
    published,
    running,
)

DATA = ROOT / "tests" / "data"


def test_replay_brings_every_line_byte_for_byte(
    services: Services, topic: str, tmp_path: Path
) -> None:
    names = ("tweets_x_v2.jsonl", "tweets_x_v1.jsonl", "tweets_bluesky.jsonl")
    lines = [line for name in names for line in (DATA / name).read_bytes().splitlines()]
    keys = [
        b"2006515713472203136", b"2006515713488981864", b"2006515713501564837",
        b"2006515713551895488", b"2006515713560284160", b"2006515713551895488",
        b"did:plc:invented1/3linvented1", b"did:plc:invented1/3linvented1", None,
    ]  # fmt: skip
    expected = [
        (key, None if n in (5, 7) else line)
        for n, (key, line) in enumerate(zip(keys, lines, strict=True))
    ]
    malformed = [b"not JSON", b"\xff\xfe", b"[" * 100_000, b'{"id":"cut', b"  {}"]
    expected += [(None, value) for value in malformed]
    too_large = b'{"id":"1","text":"' + b"x" * 1_100_000 + b'"}'
    file, ledger, report_file = (
        tmp_path / "mixed.jsonl",
        tmp_path / "ledger",
        tmp_path / "report.json",
    )
    file.write_bytes(b"\r\n".join(lines) + b"\n\n  \n" + too_large + b"\n" + b"\n".join(malformed))

    arguments = (
        "--source",
        "replay",
        "--file",
        str(file),
        "--topic",
        topic,
        "--ledger",
        str(ledger),
        "--report",
        str(report_file),
    )
    out, err = produce(services, *arguments)

    assert out == ""
    assert "rejected: a record of" in err
    found = published(services, topic)
    assert ordered(found.values()) == ordered(expected)
    assert [value for _, value in found.values()].count(None) == 2
    report = json.loads(report_file.read_text())
    assert report.pop("seconds") > 0
    assert report.pop("records_per_second") > 0
    assert report == {
        "source": "replay",
        "topic": topic,
        "state": "reading",
        "read": 15,
        "from_spool": 0,
        "acked": 14,
        "failed": 0,
        "rejected": 1,
        "spooled": 0,
        "reconnects": 0,
        "backfilled": 0,
        "repeats": 0,
        "gaps": 0,
        "gap_seconds": 0.0,
        "skipped_empty_lines": 2,
        "bytes": sum(len(value or b"") for _, value in expected),
        "cost_usd": 0.0,
        "stopped_by": "end",
    }
    assert_ledger_matches(ledger, topic, found)


def test_standard_input_and_a_limit(services: Services, topic: str) -> None:
    lines = (DATA / "tweets_x_v2.jsonl.gz").read_bytes()
    out, _ = produce(
        services,
        "--source",
        "replay",
        "--file",
        "-",
        "--topic",
        topic,
        "--max-posts",
        "2",
        stdin=lines,
    )
    report = json.loads(out)
    assert (report["read"], report["acked"], report["stopped_by"]) == (2, 2, "max_posts")
    assert len(published(services, topic)) == 2


def test_cut_off_gzip_is_published_as_far_as_it_goes(
    services: Services, topic: str, tmp_path: Path
) -> None:
    file = tmp_path / "tweets.gz"
    file.write_bytes((DATA / "tweets_x_v2.jsonl.gz").read_bytes()[:-8])
    out, err = produce(
        services, "--source", "replay", "--file", str(file), "--topic", topic, expect=1
    )
    assert (json.loads(out)["acked"], json.loads(out)["stopped_by"]) == (3, "error")
    assert "damaged or cut off" in err and str(file) in err


def test_sample_with_malformed_records_is_all_acked(services: Services, topic: str) -> None:
    out, _ = produce(
        services,
        "--source",
        "sample",
        "--max-posts",
        "3000",
        "--malformed",
        "0.05",
        "--topic",
        topic,
    )
    report = json.loads(out)
    assert (report["read"], report["acked"], report["failed"], report["rejected"]) == (
        3000,
        3000,
        0,
        0,
    )
    found = published(services, topic)
    assert len(found) == 3000
    assert any(value is None for _, value in found.values())


def test_a_topic_that_takes_less_rejects_visibly(
    services: Services, topic: str, admin: KafkaAdminClient
) -> None:
    admin.alter_configs([ConfigResource("TOPIC", topic, configs={"max.message.bytes": "3000"})])
    small, large = b'{"id":"1"}', b'{"id":"2","text":"' + os.urandom(4000).hex().encode() + b'"}'
    lines = b"\n".join([small, large, small, large, small])
    out, err = produce(services, "--source", "replay", "--file", "-", "--topic", topic, stdin=lines)
    report = json.loads(out)
    assert (report["acked"], report["failed"], report["rejected"]) == (3, 0, 2)
    assert err.count("rejected: a record of") == 2
    assert len(published(services, topic)) == 3


def test_progress_without_a_terminal_is_lines_of_json_on_request(
    services: Services, topic: str
) -> None:
    process = running(
        services,
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--rate",
        "100",
        "--topic",
        topic,
        "--json",
    )
    assert process.stderr is not None
    progress = json.loads(process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert progress["acked"] > 0
    assert progress["stopped_by"] == ""


def test_check(services: Services, topic: str) -> None:
    out, _ = produce(services, "--check", "--source", "sample", "--topic", topic)
    lines = out.splitlines()
    assert "source: ok (sample)" in lines
    assert f"broker {services.bootstrap}: ok, advertised as {services.bootstrap}" in lines
    assert f"topic {topic}: ok, 3 partitions" in lines
    assert lines[-1].startswith(f"output {services.hdfs}/tweets/producer: ok, written to /")
    assert all(": ok" in line for line in lines)
    assert not [name for name in services.files.list("/") if name.startswith("_check")]
    out, _ = produce(
        services,
        "--check",
        "--source",
        "stream",
        "--track",
        "coffee",
        "--topic",
        topic,
        token="",
        expect=5,
    )
    assert "TWEETS_X_BEARER_TOKEN" in out


def test_check_names_what_is_missing(services: Services, topic: str) -> None:
    out, _ = produce(
        services,
        "--check",
        "--source",
        "sample",
        "--topic",
        "nobody-made-this",
        "--output",
        "hdfs://127.0.0.1:9/x",
        expect=1,
    )
    assert "there is no such topic at nobody-made-this" in out
    assert out.count("next: ") == 1, "the rest is ok: WebHDFS is where the settings say"
    with Misled(services.webhdfs) as webhdfs:
        out, _ = produce(
            services,
            "--check",
            "--source",
            "sample",
            "--topic",
            topic,
            "--webhdfs",
            webhdfs,
            expect=1,
        )
    assert "sends writers to 127.0.0.1:9, which is not reached" in out
    assert "dfs.datanode.hostname" in out


def test_check_names_a_wrong_address_of_the_broker(
    services: Services, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "CONNECT_TIMEOUT_S", 2.0)
    with MisledKafka(services.bootstrap) as bootstrap:
        for _ in range(3):
            with pytest.raises(
                ServiceUnreachable, match=r"the broker says it is at 127\.0\.0\.9:"
            ) as raised:
                check_broker.broker(bootstrap, topic, {})
            assert "advertised.listeners" in raised.value.remedy


@pytest.mark.parametrize(
    ("arguments", "token", "code"),
    [
        (("--source", "replay"), "", 2),
        (("--source", "replay", "--file", "/nowhere"), "", 2),
        (("--source", "sample", "--malformed", "2"), "", 2),
        (("--source", "sample", "--max-posts", "1", "--topic", "no topic"), "", 2),
        (("--source", "sample", "--max-posts", "1", "--ledger", "/nowhere/ledger"), "", 2),
        (("--source", "sample", "--max-posts", "1", "--report", "/nowhere/report"), "", 2),
        (("--source", "stream", "--track", "coffee"), "", 5),
        (("--source", "search", "--query", "coffee"), "bad token", 5),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_read(
    services: Services, arguments: tuple[str, ...], token: str, code: int
) -> None:
    out, err = produce(services, *arguments, token=token, expect=code)
    assert out == ""
    assert err.startswith("error: ") and "next: " in err and "Traceback" not in err


def test_stream_ends_up_on_the_topic(services: Services, topic: str) -> None:
    with XStub() as x:
        x.world.invent(50)
        arguments = (
            "--source",
            "stream",
            "--track",
            "coffee",
            "--x-base-url",
            x.url,
            "--topic",
            topic,
            "--max-posts",
            "50",
        )
        out, _ = produce(services, *arguments)
    report = json.loads(out)
    assert (report["acked"], report["stopped_by"]) == (50, "max_posts")
    assert report["cost_usd"] >= 50 * 0.005
    assert ordered(published(services, topic).values()) == ordered(
        (id.encode(), line) for id, line in x.delivered.items()
    )


def test_search_ends_up_on_the_topic(services: Services, topic: str) -> None:
    with XStub() as x:
        x.world.invent(7, ago_s=40)
        arguments = (
            "--source",
            "search",
            "--query",
            "coffee",
            "--interval",
            "1",
            "--x-base-url",
            x.url,
        )
        out, _ = produce(services, *arguments, "--topic", topic, "--max-posts", "7")
    assert json.loads(out)["acked"] == 7
    found = sorted(published(services, topic).values())
    assert [(key or b"").decode() for key, _ in found] == [
        post["data"]["id"] for post in x.world.posts
    ]
    assert [json.loads(value or b"")["data"] for _, value in found] == [
        post["data"] for post in x.world.posts
    ]


def test_quota_used_up(services: Services, topic: str) -> None:
    with XStub() as x:
        x.fault("402", path="/search/recent")
        arguments = (
            "--source",
            "search",
            "--query",
            "coffee",
            "--x-base-url",
            x.url,
            "--topic",
            topic,
        )
        out, err = produce(services, *arguments, expect=6)
    assert "no credits left" in err
    assert json.loads(out)["stopped_by"] == "error"


def test_check_of_bluesky_connects(services: Services, topic: str, tmp_path: Path) -> None:
    spool = str(tmp_path / "spool")
    with Jetstream(rate=500) as stub:
        arguments = (
            "--check",
            "--source",
            "bluesky",
            "--jetstream-url",
            stub.url,
            "--topic",
            topic,
            "--spool",
            spool,
        )
        out, _ = produce(services, *arguments)
        assert "source: ok (bluesky)\n" in out
        assert f"Jetstream: ok, 127.0.0.1:{stub.port} (v2) sends: " in out
        assert "spool: ok, new, " in out
    out, _ = produce(services, *arguments, expect=1)
    assert "no Jetstream sends anything" in out
    assert not (tmp_path / "spool").exists()


def test_a_supervised_producer_goes_on_when_kafka_is_there(services: Services, topic: str) -> None:
    """No broker listens at first: exit 1, and again; then one does."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
    process = running(
        services,
        "--supervise",
        "--source",
        "sample",
        "--bootstrap",
        f"{HOST}:{port}",
        "--topic",
        topic,
    )
    assert process.stderr is not None
    said = ""
    while "starting it again" not in said:
        line = process.stderr.readline().decode()
        assert line, said
        said += line
    with MisledKafka(services.bootstrap, told=HOST.encode(), port=port):
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, said + err.decode()
    assert json.loads(out)["acked"] == 2000
    assert len(published(services, topic)) == 2000


def test_a_supervised_producer_is_stopped_by_one_signal(services: Services, topic: str) -> None:
    arguments = (
        "--supervise",
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--rate",
        "200",
        "--topic",
        topic,
    )
    process = running(services, *arguments)
    wait_until(lambda: published(services, topic), 60, "it publishes")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert (report["stopped_by"], report["acked"]) == ("signal", report["read"]), (
        "it was flushed, not cut off"
    )
