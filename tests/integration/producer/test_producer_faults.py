"""What goes wrong on our side of X: a broker slow or away, a full disk, a full spool, kill -9; and
the token stays secret."""

import errno
import json
import os
import signal
import socket
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from urllib3.util.connection import create_connection

from local.stub_servers.x import XStub
from producer import run as producer_run
from producer.publishing import brokers
from producer.run import Run, spool_owner
from producer.sources.x import following
from producer.spool.spool import SMALLEST_BYTES, UNWRITTEN_BYTES, Spool
from producer.stopping import Interrupt
from tests.conftest import Services, wait_until
from tests.kit.producing import (
    MisledKafka,
    assert_ledger_matches,
    clocked,
    frozen,
    published,
    run_here,
    running,
    under_way,
)

CANARY = "canary-b83e55d1f0"


@pytest.fixture(autouse=True)
def small_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel keeps little for us that we have not read; left alone it may keep 32 MB, more than
    X has here."""

    def create(
        address: tuple[str, int], *others: Any, socket_options: list[Any], **named: Any
    ) -> socket.socket:
        return create_connection(address, *others, socket_options=[*socket_options, small], **named)

    small = (socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    monkeypatch.setattr("urllib3.util.connection.create_connection", create)


def stream(
    services: Services, x: XStub, topic: str, folder: Path, posts: int, **chosen: Any
) -> Run:
    """A run of the stream that ends after this many posts."""
    return run_here(
        services,
        topic,
        folder,
        source="stream",
        track="coffee",
        max_posts=posts,
        x_base_url=x.url,
        **chosen,
    )


def long_posts(x: XStub, count: int) -> None:
    """Have X post this many of 25,000 characters, the longest there are."""
    for post in x.world.invent(count):
        post["data"]["note_tweet"] = {"text": "ü" * 12_500}


def acked(run: Run, count: int) -> None:
    wait_until(lambda: run.report().acked == count, 30, f"{count} are acked")


def assert_all_there(services: Services, topic: str, folder: Path, x: XStub, run: Run) -> None:
    """Each post is on the topic once, as the ledger says, and the report counts exactly that."""
    report, found = run.report(), published(services, topic)
    assert sorted(key.decode() for key, _ in found.values() if key) == sorted(
        post["data"]["id"] for post in x.world.posts
    )
    assert (report.read, report.acked) == (len(found), len(found))
    assert (report.failed, report.rejected, report.spooled, report.from_spool) == (0, 0, 0, 0)
    assert report.bytes == sum(len(value or b"") for _, value in found.values())
    assert_ledger_matches(folder / "ledger", topic, found)


def test_a_slow_broker_never_makes_x_disconnect_us(
    services: Services, topic: str, tmp_path: Path
) -> None:
    with XStub() as x:
        x.patience_s = 1.0
        run = stream(services, x, topic, tmp_path, 1020)
        with under_way(run):
            x.world.invent(20)
            acked(run, 20)
            with frozen(services, "kafka-1"):
                long_posts(x, 1000)  # 25 MB: more than the sockets between us hold
                wait_until(
                    lambda: len(x.delivered) == 1020, 30, "X has been relieved of everything"
                )
                assert (run.report().acked, run.report().state) == (20, "connected")
        assert (x.slow_readers, len(x.connected_at), run.report().reconnects) == (0, 1, 0)
        assert_all_there(services, topic, tmp_path, x, run)


def test_a_full_spool_is_bounded_and_what_x_did_not_keep_for_us_is_fetched(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "QUEUED", 50)
    with clocked(monkeypatch) as x:
        x.patience_s = 0.5
        run = stream(
            services, x, topic, tmp_path, 920, spool_max_bytes=SMALLEST_BYTES, fill_gaps="7d"
        )
        with under_way(run):
            x.world.invent(20)
            acked(run, 20)
            with frozen(services, "kafka-1"):
                long_posts(x, 900)
                wait_until(lambda: x.slow_readers, 30, "X has disconnected us")
                wait_until(lambda: "the spool is full" in run.trouble(), 10, "it is said")
                size = sum(file.stat().st_size for file in (tmp_path / "spool").iterdir())
                assert SMALLEST_BYTES <= size < SMALLEST_BYTES + 2 * UNWRITTEN_BYTES
        assert run.report().reconnects == x.slow_readers
        assert run.report().backfilled > 0
        assert_all_there(services, topic, tmp_path, x, run)
    assert sum(file.stat().st_size for file in (tmp_path / "spool").iterdir()) < SMALLEST_BYTES / 2


def test_a_full_disk_stops_the_reading_and_loses_nothing(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = os.pwrite, threading.Event()

    def pwrite(descriptor: int, data: bytes, at: int) -> int:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with XStub() as x:
        run = stream(services, x, topic, tmp_path, 220)
        with under_way(run):
            x.world.invent(20)
            acked(run, 20)
            full.set()
            long_posts(x, 200)
            wait_until(lambda: "disk is full" in run.trouble(), 10, "it is said")
            assert run.report().read < 220, "reading has stopped"
            assert run.report().acked == 20, "nothing is sent that is not on the disk"
            full.clear()
        assert_all_there(services, topic, tmp_path, x, run)


@pytest.mark.long
def test_a_broker_that_is_away_from_the_beginning(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer_run, "DRAIN_S", 0.2)
    monkeypatch.setattr(brokers, "CONNECT_TIMEOUT_S", 1.0)
    with XStub() as x:
        x.world.invent(50)
        interrupt = Interrupt()
        run = stream(services, x, topic, tmp_path, 50, bootstrap="127.0.0.1:9", interrupt=interrupt)
        with under_way(run):
            wait_until(lambda: run.report().spooled == 50, 30, "everything is in the spool")
            wait_until(run.trouble, 30, "it is said")
            interrupt.asked = True
        report = run.report()
        assert (report.read, report.acked, report.failed, report.spooled) == (50, 0, 0, 50)
        x.world.invent(1)
        (tmp_path / "spool" / "lock").unlink()  # it is the same topic under another address
        (again := stream(services, x, topic, tmp_path, 51)).go()
    assert (again.report().from_spool, again.report().acked, again.report().read) == (50, 101, 51)
    found = published(services, topic)
    assert {key.decode() for key, _ in found.values() if key} == {
        post["data"]["id"] for post in x.world.posts
    }
    assert_ledger_matches(tmp_path / "ledger", topic, found)


def test_a_broker_with_a_wrong_address_is_waited_for(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer_run, "DRAIN_S", 0.2)
    monkeypatch.setattr(brokers, "CONNECT_TIMEOUT_S", 1.0)
    interrupt = Interrupt()
    with MisledKafka(services.bootstrap) as bootstrap:
        run = run_here(
            services, topic, tmp_path, interrupt, source="sample", max_posts=50, bootstrap=bootstrap
        )
        with under_way(run):
            wait_until(
                lambda: "the broker says it is at 127.0.0.9:" in run.trouble(), 30, "it is said"
            )
            interrupt.asked = True
        assert (run.report().acked, run.report().spooled, run.report().failed) == (0, 50, 0)


def of_stream(x: XStub, topic: str, folder: Path) -> tuple[str, ...]:
    """The command line for a stream with spool, ledger and report in `folder`."""
    files = (
        "--spool",
        str(folder / "spool"),
        "--ledger",
        str(folder / "ledger"),
        "--report",
        str(folder / "report.json"),
    )
    return (
        "--source",
        "stream",
        "--track",
        "coffee",
        "--topic",
        topic,
        "--x-base-url",
        x.url,
        *files,
    )


def test_killed_under_load_nothing_that_was_in_the_spool_is_missing(
    services: Services, topic: str, tmp_path: Path
) -> None:
    enough = threading.Event()
    with XStub() as x:

        def post() -> None:
            while not enough.wait(0.01):
                x.world.invent(5)

        posting = threading.Thread(target=post, daemon=True)
        posting.start()
        process = running(services, *of_stream(x, topic, tmp_path))
        wait_until(
            lambda: len(x.delivered) > 1000 and (tmp_path / "ledger").stat().st_size,
            30,
            "it publishes",
        )
        process.kill()
        process.communicate()
        enough.set()
        posting.join()
        owner = spool_owner("stream", topic, services.bootstrap)
        with closing(Spool(tmp_path / "spool", owner, SMALLEST_BYTES)) as spool:
            left = spool.found
        told = {line["key"] for line in ledger_lines(tmp_path)}
        posts = {post["data"]["id"] for post in x.world.posts}
        wait_until(lambda: not x.open_streams, 10, "X has let go of the connection")
        interrupt = Interrupt()
        again = stream(services, x, topic, tmp_path, 0, interrupt=interrupt)
        with under_way(again):
            wait_until(
                lambda: posts <= {line["key"] for line in ledger_lines(tmp_path)},
                60,
                "everything is acknowledged",
            )
            interrupt.asked = True
            x.world.invent(1)  # what wakes the reading, which may end before it takes this one
        report = again.report()
        assert (report.failed, report.rejected, report.spooled, report.from_spool) == (
            0,
            0,
            0,
            left,
        )
        assert report.read + left == report.acked
        on_topic = {key.decode() for key, _ in published(services, topic).values() if key}
        assert posts | told <= on_topic <= {post["data"]["id"] for post in x.world.posts}


def ledger_lines(folder: Path) -> list[dict[str, Any]]:
    """Its whole lines: while the producer runs the last one may be under way."""
    return [json.loads(line) for line in (folder / "ledger").read_bytes().split(b"\n")[:-1]]


def test_a_stop_in_the_middle_keeps_what_was_received(
    services: Services, topic: str, tmp_path: Path
) -> None:
    with XStub() as x:
        x.world.invent(500)
        process = running(services, *of_stream(x, topic, tmp_path))
        wait_until(lambda: len(x.delivered) == 500, 30, "all was delivered")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["read"] == report["acked"] == len(published(services, topic))


def test_the_token_is_nowhere(services: Services, topic: str, tmp_path: Path) -> None:
    with XStub() as x:
        x.token = CANARY
        x.fault("close", after=20)
        x.world.invent(20)
        process = running(services, *of_stream(x, topic, tmp_path), "--json", token=CANARY)
        wait_until(lambda: len(x.connected_at) == 2, 30, "the stream was connected twice")
        x.world.invent(20)
        wait_until(lambda: len(x.delivered) == 40, 30, "all was delivered")
        seen = subprocess.run(
            ["ps", "-A", "-ww", "-o", "args"], capture_output=True, check=True
        ).stdout
        x.fault("close")
        x.fault("401")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 5, err
    assert str(tmp_path).encode() in seen, "ps has seen the producer"
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    on_topic = [part or b"" for record in published(services, topic).values() for part in record]
    assert len(on_topic) >= 80 and len(written) >= 5
    assert json.loads((tmp_path / "report.json").read_text())["acked"] >= 40
    assert b"X refuses the bearer token" in err
    for place in (seen, out, err, *written, *on_topic):
        assert CANARY.encode() not in place
