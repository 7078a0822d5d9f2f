"""Running the producer, as a user does or in this process, and reading what it published."""

import atexit
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from config import settings
from local.stub_servers.x import TOKEN, XStub
from producer.run import Run
from producer.sources.x.wire import Account
from producer.stopping import Interrupt
from tests.conftest import HOST, ROOT, Services, wait_until

COMMAND = [sys.executable, "-m", "producer"]
Published = dict[tuple[int, int], tuple[bytes | None, bytes | None]]


def produce(
    services: Services, *arguments: str, token: str = TOKEN, stdin: bytes = b"", expect: int = 0
) -> tuple[str, str]:
    """Run the producer to its end; returns (standard output, standard error)."""
    environ = {**os.environ, **services.environ, "TWEETS_X_BEARER_TOKEN": token}
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environ,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expect, err
    assert not token or token not in out + err
    return out, err


def published(services: Services, topic: str) -> Published:
    """(key, value) of everything on the topic, by (partition, offset)."""
    consumer = KafkaConsumer(
        bootstrap_servers=services.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        partitions = [
            TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: Published = {}

        def all_read() -> bool:
            for partition, records in consumer.poll(timeout_ms=500).items():
                found.update(
                    {
                        (partition.partition, record.offset): (record.key, record.value)
                        for record in records
                    }
                )
            return all(consumer.position(partition) >= ends[partition] for partition in partitions)

        wait_until(all_read, 30, f"read {topic} to its ends {ends}")
        return found
    finally:
        consumer.close()


def ordered(records: Any) -> list[tuple[bytes, bytes]]:
    return sorted((key or b"", value or b"") for key, value in records)


def assert_ledger_matches(ledger: Path, topic: str, found: Published) -> None:
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert {line["topic"] for line in lines} == {topic}
    told = {(line["partition"], line["offset"]): (line["key"], line["sha256"]) for line in lines}
    assert len(told) == len(lines)
    assert told == {
        place: (
            key.decode() if key is not None else None,
            hashlib.sha256(value).hexdigest() if value is not None else None,
        )
        for place, (key, value) in found.items()
    }


def running(services: Services, *arguments: str, token: str = TOKEN) -> subprocess.Popen[bytes]:
    """The producer under way; killed when the tests end, should it live then."""
    environ = {**os.environ, **services.environ, "TWEETS_X_BEARER_TOKEN": token}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    atexit.register(process.kill)
    return process


def run_here(
    services: Services, topic: str, folder: Path, interrupt: Interrupt | None = None, **chosen: Any
) -> Run:
    """The producer in this process, its spool and ledger in `folder`; `chosen` are its other
    settings."""
    chosen = {"topic": topic, "spool": folder / "spool", "ledger": folder / "ledger", **chosen}
    flags = [
        part
        for name, value in chosen.items()
        for part in ("--" + name.replace("_", "-"), str(value))
    ]
    environ = {"TWEETS_BOOTSTRAP": services.bootstrap, "TWEETS_X_BEARER_TOKEN": TOKEN}
    return Run(
        settings.load("producer", flags, environ=environ, secrets=Path("/nowhere")),
        interrupt or Interrupt(),
    )


@contextmanager
def clocked(monkeypatch: pytest.MonkeyPatch, pace: float = 50, **how: Any) -> Iterator[XStub]:
    """The stub, with a clock that is faster than ours, and the producer here on the same one: it
    waits as it always does."""
    with XStub(pace=pace, **how) as x:
        monkeypatch.setattr(Account, "now", lambda _: x.world.now())
        yield x


@contextmanager
def under_way(run: Run, seconds: float = 60) -> Iterator[None]:
    """The run in a thread of its own; at the end it has ended, within this many seconds, and by
    nothing but itself."""
    errors: list[Exception] = []

    def go() -> None:
        try:
            run.go()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    yield
    wait_until(lambda: not thread.is_alive(), seconds, "the producer has ended")
    assert not errors, errors


@contextmanager
def frozen(services: Services, name: str) -> Iterator[None]:
    """The service does not move at all meanwhile: its connections stay, without an answer.
    It may be killed in there."""
    pid = services.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class MisledKafka:
    """A way to the broker by which it says to be at 127.0.0.9, where nothing listens, or at `told`;
    `with` gives its address."""

    def __init__(self, bootstrap: str, told: bytes = b"127.0.0.9", port: int = 0) -> None:
        self._target, self._listener = (
            int(bootstrap.rpartition(":")[2]),
            socket.create_server((HOST, port)),
        )
        self._told = told

    def __enter__(self) -> str:
        threading.Thread(target=self._accept, daemon=True).start()
        return f"{HOST}:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, server = (
                    self._listener.accept()[0],
                    socket.create_connection((HOST, self._target)),
                )
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError), source, to:
            while data := source.recv(65_536):
                to.sendall(data.replace(b"127.0.0.1", self._told))


class Misled:
    """The NameNode at `webhdfs`, but it sends each client to a DataNode that is not there; `with`
    gives its address."""

    def __init__(self, webhdfs: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                target = urlsplit(webhdfs)
                there = HTTPConnection(target.hostname or "", target.port, timeout=10)
                there.request(self.command, self.path)
                answer = there.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    moved = urlsplit(value)._replace(netloc="127.0.0.1:9").geturl()
                    self.send_header(name, moved if name == "Location" else value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = _pass_on  # noqa: N815 - the names are the base class's

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
