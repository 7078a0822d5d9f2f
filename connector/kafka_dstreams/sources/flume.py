"""Flume's push: the Avro sink of an agent sends us batches, and gets OK when they are stored.

The agent keeps a batch in its channel until then, and sends it again after a crash of either side:
at least once.
"""

from __future__ import annotations

import selectors
import socket
import time
import zlib
from typing import Any, NamedTuple

import fastavro

from kafka_dstreams.sources import GiveUp, Message, Source
from kafka_dstreams.sources.avro_rpc import Call, Connection

_EVENT = {
    "type": "record",
    "name": "AvroFlumeEvent",
    "fields": [
        {"name": "headers", "type": {"type": "map", "values": "string"}},
        {"name": "body", "type": "bytes"},
    ],
}
ONE = fastavro.parse_schema(_EVENT)
MANY = fastavro.parse_schema({"type": "array", "items": _EVENT})
STATUS = fastavro.parse_schema(
    {"type": "enum", "name": "Status", "symbols": ["OK", "FAILED", "UNKNOWN"]}
)
CHUNK_BYTES = 256 * 1024
ANSWER_S = 10.0  # a sink that does not take its answer within this time is dropped


class _Sink(NamedTuple):
    socket: socket.socket
    connection: Connection


class FlumePush(Source):
    """Listens on `host`:`port`, and runs on that host, for Avro sinks; `deflate` is for those with
    `compression-type = deflate`. A message is an event's body with the event's headers.

    A sink sends one batch and waits for its OK, so a poll ends as soon as it has something.
    """

    def __init__(self, host: str, port: int, deflate: bool = False) -> None:
        self.host, self.port, self.deflate = host, port, deflate
        self.name = f"flume:{port}"

    def open(self) -> None:
        self._waiting: list[tuple[_Sink, Call]] = []
        self._left: list[Message] = []
        try:
            self._server = socket.create_server((self.host or "", self.port))
        except socket.gaierror as error:
            raise GiveUp(f"{self.host} is no address: {error}") from None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)

    def poll(self, limit: int, wait: float) -> list[Message]:
        end = time.monotonic() + wait
        while not self._left and (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if key.data is None:
                    self._accept()
                else:
                    self._receive(key.data)
        found, self._left = self._left[:limit], self._left[limit:]
        return found

    def ack(self) -> None:
        if self._left:  # a batch is answered as a whole
            return
        waiting, self._waiting = self._waiting, []
        for sink, call in waiting:
            try:
                sink.socket.sendall(sink.connection.answer(call, STATUS, "OK"))
            except OSError:  # it is going to send the batch again
                self._drop(sink)

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _accept(self) -> None:
        accepted, _ = self._server.accept()
        accepted.settimeout(ANSWER_S)
        sink = _Sink(accepted, Connection(self.deflate))
        self._selector.register(accepted, selectors.EVENT_READ, sink)

    def _receive(self, sink: _Sink) -> None:
        """Take what a sink sends; one that closes, or sends what is no Avro, is dropped."""
        try:
            data = sink.socket.recv(CHUNK_BYTES)
            for call in sink.connection.fed(data):
                many = call.name == "appendBatch"
                events: Any = fastavro.schemaless_reader(call.body, MANY if many else ONE, None)
                self._left += [_message(event) for event in (events if many else [events])]
                self._waiting.append((sink, call))
        except (OSError, ValueError, EOFError, zlib.error):
            data = b""
        if not data:
            self._drop(sink)

    def _drop(self, sink: _Sink) -> None:
        self._waiting = [pair for pair in self._waiting if pair[0] is not sink]
        if sink.socket.fileno() >= 0:
            self._selector.unregister(sink.socket)
            sink.socket.close()


def _message(event: Any) -> Message:
    headers = [(name, value.encode()) for name, value in event["headers"].items()]
    return Message(event["body"], headers=headers)
