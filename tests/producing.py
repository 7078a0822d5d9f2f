"""Running `python -m producer` as a user does, and reading what it published."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from scripts.stubs.x import TOKEN
from tests.conftest import ROOT, Services, wait_until

COMMAND = [sys.executable, "-m", "producer"]
Published = dict[tuple[int, int], tuple[bytes | None, bytes | None]]


def produce(services: Services, *arguments: str, token: str = TOKEN, stdin: bytes = b"", expect: int = 0) -> tuple[str, str]:
    """Run the producer to its end; returns (standard output, standard error)."""
    environ = {**os.environ, **services.environ, "TWEETS_X_BEARER_TOKEN": token}
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=environ, input=stdin, capture_output=True, timeout=60, check=False
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expect, err
    assert not token or token not in out + err
    return out, err


def published(services: Services, topic: str) -> Published:
    """(key, value) of everything on the topic, by (partition, offset)."""
    consumer = KafkaConsumer(bootstrap_servers=services.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: Published = {}

        def all_read() -> bool:
            for partition, records in consumer.poll(timeout_ms=500).items():
                found.update({(partition.partition, record.offset): (record.key, record.value) for record in records})
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
        place: (key.decode() if key is not None else None, hashlib.sha256(value).hexdigest() if value is not None else None)
        for place, (key, value) in found.items()
    }


def running(services: Services, *arguments: str) -> subprocess.Popen[bytes]:
    """The producer under way."""
    environ = {**os.environ, **services.environ}
    return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Misled:
    """The NameNode at `webhdfs`, but that it sends everybody to a DataNode where nobody is; `with` gives its address."""

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
