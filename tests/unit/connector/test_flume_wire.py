"""Flume's sources against the other side of their own wire, in this process; real agents are in
tests/integration/connector/test_flume.py."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka_dstreams.sources.avro_rpc import Answering, Asking, read
from kafka_dstreams.sources.flume import BATCH, MANY, ONE, STATUS, FlumePull, FlumePush
from tests.conftest import HOST, wait_until

EVENT = {"headers": {"of": "x"}, "body": b"1"}


class SparkSink(threading.Thread):
    """Gives these batches in turn, then nothing; `acked` is what was acknowledged."""

    def __init__(self, batches: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self.batches, self.acked, self.asked = batches, list[str](), list[int]()
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]

    def run(self) -> None:
        peer, _ = self.server.accept()
        connection = Answering()
        while data := peer.recv(65_536):
            for call in connection.fed(data):
                if call.name == "ack":
                    self.acked.append(read(call.body, "string"))
                    peer.sendall(connection.answer(call, "null", None))
                    continue
                self.asked.append(read(call.body, "int"))
                if self.batches:
                    peer.sendall(connection.answer(call, BATCH, self.batches.pop(0)))
        peer.close()


def batch(number: str, *bodies: bytes, error: str = "") -> dict[str, Any]:
    events = [{"headers": {}, "body": body} for body in bodies]
    return {"errorMsg": error, "sequenceNumber": number, "events": events}


def test_a_batch_is_acknowledged_when_the_last_of_it_is_stored() -> None:
    sink = SparkSink([batch("a", b"1", b"2", b"3"), batch("b", b"4")])
    sink.start()
    source = FlumePull([(HOST, sink.port)], 50)
    source.open()
    assert [message.value for message in source.poll(2, 5)] == [b"1", b"2"]
    source.ack()
    assert [message.value for message in source.poll(2, 5)] == [b"3"] and sink.acked == []
    source.ack()
    assert [message.value for message in source.poll(90, 5)] == [b"4"] and sink.acked == ["a"]
    source.ack()
    wait_until(lambda: sink.acked == ["a", "b"], 5, "the second is acknowledged")
    assert source.poll(10, 0.05) == [] and sink.asked[:2] == [2, 50]
    source.close()


def test_a_sink_that_has_nothing_is_asked_again() -> None:
    sink = SparkSink([batch("", error="no events"), batch("a", b"1")])
    sink.start()
    source = FlumePull([(HOST, sink.port)])
    source.open()
    assert source.poll(10, 0.2) == []
    assert [message.value for message in source.poll(10, 5)] == [b"1"]
    source.close()


@contextmanager
def pushing(source: FlumePush) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, source.port)) as peer:
        peer.settimeout(5)
        yield peer


def test_a_pushed_batch_is_answered_when_it_is_stored() -> None:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    source = FlumePush(HOST, port)
    source.open()
    agent = Asking('{"protocol": "AvroSourceProtocol"}')
    with pushing(source) as peer:
        peer.sendall(agent.call("appendBatch", MANY, [EVENT, EVENT], STATUS))
        messages = source.poll(10, 5)
        assert [message.headers for message in messages] == [[("of", b"x")]] * 2
        source.ack()
        assert agent.fed(peer.recv(1000)) == ["OK"]
        peer.sendall(agent.call("append", ONE, EVENT, STATUS))
        assert [message.value for message in source.poll(10, 5)] == [b"1"]
        source.ack()
        assert agent.fed(peer.recv(1000)) == ["OK"]
    with pushing(source) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert source.poll(10, 0.2) == [] and stranger.recv(10) == b"", "it is dropped"
    source.close()
