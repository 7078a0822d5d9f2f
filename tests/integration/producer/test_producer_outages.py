"""`python -m producer` when it is told to stop, and when the broker is away, for a while or for
good."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tests.conftest import PATIENCE, ROOT, Services, wait_until
from tests.kit.producing import COMMAND, assert_ledger_matches, produce, published, running


def start_again(services: Services, admin: KafkaAdminClient) -> None:
    """Bring the broker back, and the session's admin client with it: it lets a lost broker rest for
    a while."""
    services.run("start", "kafka-1")

    def answers() -> bool:
        with suppress(KafkaError):
            admin.list_topics()
            return True
        return False

    wait_until(answers, 60, "the admin client has found the broker again")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_flushes_reports_and_ends_well(
    services: Services, topic: str, tmp_path: Path, number: signal.Signals
) -> None:
    ledger = tmp_path / "ledger"
    process = running(
        services,
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--rate",
        "2000",
        "--topic",
        topic,
        "--ledger",
        str(ledger),
    )
    wait_until(
        lambda: ledger.exists() and ledger.stat().st_size > 0,
        20,
        "the ledger grows while the producer runs",
    )
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["stopped_by"] == "signal"
    assert report["read"] == report["acked"] > 0
    found = published(services, topic)
    assert len(found) == report["acked"]
    assert_ledger_matches(ledger, topic, found)


def test_signal_while_waiting_for_input(services: Services, topic: str) -> None:
    environ = {**os.environ, **services.environ}
    arguments = [*COMMAND, "--source", "replay", "--file", "-", "--topic", topic]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"id":"1"}\n')
        process.stdin.flush()
        wait_until(
            lambda: process.poll() is None and published(services, topic),
            20,
            "the first line is on the topic",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert json.loads(process.stdout.read())["stopped_by"] == "signal"


def test_broker_away_is_said_in_bounded_time(services: Services) -> None:
    with socket.socket() as unused:  # bound but not listening: no other program answers there
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        begin = time.monotonic()
        out, err = produce(
            services, "--source", "sample", "--max-posts", "0", "--bootstrap", address, expect=1
        )
    assert time.monotonic() - begin < 20
    assert out == ""
    assert address in err and "Traceback" not in err


def test_a_stop_is_bounded_whatever_kafka_does(tmp_path: Path) -> None:
    """A broker that takes the connection and says nothing: the worst moment to be told to stop is
    while connecting."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address, spool = f"127.0.0.1:{silent.getsockname()[1]}", tmp_path / "spool"
        arguments = [
            "--source",
            "sample",
            "--rate",
            "500",
            "--spool",
            str(spool),
            "--bootstrap",
            address,
        ]
        environ = {**os.environ, "TWEETS_TOPIC": "tweets"}
        with subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, env=environ, stdout=subprocess.PIPE
        ) as process:
            wait_until(lambda: list(spool.glob("*.segment")), 30, "the spool grows")
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
            assert time.monotonic() - begin < 18 * PATIENCE
    report = json.loads(out)
    assert (process.returncode, report["stopped_by"], report["acked"], report["failed"]) == (
        0,
        "signal",
        0,
        0,
    )
    assert report["read"] == report["spooled"] > 0


@pytest.mark.long
def test_short_outage_loses_nothing(
    services: Services, topic: str, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    arguments = (
        "--source",
        "sample",
        "--rate",
        "500",
        "--max-posts",
        "8000",
        "--topic",
        topic,
        "--ledger",
        str(ledger),
    )
    process = running(services, *arguments)
    wait_until(
        lambda: ledger.exists() and ledger.stat().st_size > 0,
        20,
        "the ledger grows while the producer runs",
    )
    services.run("stop", "kafka-1")
    start_again(services, admin)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["acked"] == 8000
    found = published(services, topic)
    assert len(found) == len({key for key, _ in found.values()}) == 8000
    assert_ledger_matches(ledger, topic, found)


@pytest.mark.long
def test_broker_lost_for_good_is_counted_and_said(
    services: Services, topic: str, admin: KafkaAdminClient
) -> None:
    hasty = (
        "import sys; from producer import __main__ as p; "
        "from producer.publishing import publisher; "
        "publisher.DELIVERY_TIMEOUT_MS = 31_000; p.exit_with(p.main)"
    )
    arguments = [
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--rate",
        "500",
        "--topic",
        topic,
        "--json",
    ]
    environ = {**os.environ, **services.environ}
    command = [sys.executable, "-c", hasty, *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert json.loads(process.stderr.readline())["acked"] > 0
    try:
        services.run("stop", "kafka-1")
        out, err = process.communicate(timeout=60)
    finally:
        start_again(services, admin)
    assert process.returncode == 1
    report = json.loads(out)
    assert report["stopped_by"] == "error"
    assert report["failed"] > 0
    assert report["read"] == report["acked"] + report["failed"]
    assert b"were not acknowledged" in err and b"Traceback" not in err
