"""Flume: push, where the Avro sink of an agent sends us batches and gets OK when they are stored,
and pull, where we ask Spark's own sink, which commits a transaction when its batch is stored.

The agent keeps a batch in its channel until then, and gives it again after a crash of either side:
at least once.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
import zlib
from abc import abstractmethod
from typing import Any, NamedTuple, Sequence

import fastavro

from kafka_dstreams.sources import GiveUp, Message, Source
from kafka_dstreams.sources.avro_rpc import Answering, Asking, read, record

_HEADERS = {"type": "map", "values": "string"}
_EVENT = record("AvroFlumeEvent", headers=_HEADERS, body="bytes")
ONE = fastavro.parse_schema(_EVENT)
MANY = fastavro.parse_schema({"type": "array", "items": _EVENT})
STATUS = fastavro.parse_schema(
    {"type": "enum", "name": "Status", "symbols": ["OK", "FAILED", "UNKNOWN"]}
)
# as spark-streaming-flume-sink 2.4 has it (sparkflume.avdl)
_PULLED = {"type": "array", "items": record("SparkSinkEvent", headers=_HEADERS, body="bytes")}
_BATCH = record("EventBatch", errorMsg="string", sequenceNumber="string", events=_PULLED)
BATCH = fastavro.parse_schema(_BATCH)
_CALLS = {
    "getEventBatch": {"request": [{"name": "n", "type": "int"}], "response": "EventBatch"},
    "ack": {"request": [{"name": "sequenceNumber", "type": "string"}], "response": "null"},
}
_NAMES = {"protocol": "SparkFlumeProtocol", "namespace": "org.apache.spark.streaming.flume.sink"}
PROTOCOL = json.dumps({**_NAMES, "types": [_BATCH], "messages": _CALLS})
CHUNK_BYTES = 256 * 1024
ANSWER_S = 10.0  # an agent that does not take what we send within this time is dropped
CONNECT_S, RETRY_S = 1.0, 5.0  # how long an agent is waited for, and when it is tried again


class _Agent(NamedTuple):
    socket: socket.socket
    connection: Any


class _Flume(Source):
    """What push and pull share: connections that one thread watches, and batches, each of which is
    acknowledged as a whole, when the last of its events is stored."""

    def open(self) -> None:
        self._waiting: list[tuple[_Agent, Any]] = []
        self._left: list[Message] = []
        self._selector = selectors.DefaultSelector()

    def poll(self, limit: int, wait: float) -> list[Message]:
        """Ends as soon as there is something: an agent sends no more before that is stored."""
        end = time.monotonic() + wait
        while not self._left and (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._ready(key.data)
        found, self._left = self._left[:limit], self._left[limit:]
        return found

    def ack(self) -> None:
        if self._left:
            return
        waiting, self._waiting = self._waiting, []
        for agent, batch in waiting:
            self._send(agent, self._stored(agent, batch))

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    @abstractmethod
    def _came(self, agent: _Agent, data: bytes) -> None:
        """Take what an agent has sent. Raises what `_ready` expects."""

    @abstractmethod
    def _stored(self, agent: _Agent, batch: Any) -> bytes:
        """What tells the agent that its batch is stored."""

    def _ready(self, agent: _Agent) -> None:
        """Receive; an agent that closes, or sends what is no Avro, is dropped."""
        try:
            data = agent.socket.recv(CHUNK_BYTES)
            self._came(agent, data)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            print(f"{self.name}: an agent is dropped: {error}", file=sys.stderr)
            data = b""
        if not data:
            self._drop(agent)

    def _watch(self, connected: socket.socket, connection: Any) -> _Agent:
        connected.settimeout(ANSWER_S)
        agent = _Agent(connected, connection)
        self._selector.register(connected, selectors.EVENT_READ, agent)
        return agent

    def _send(self, agent: _Agent, data: bytes) -> None:
        try:
            agent.socket.sendall(data)
        except OSError:  # it is going to give the batch again
            self._drop(agent)

    def _drop(self, agent: _Agent) -> None:
        self._waiting = [pair for pair in self._waiting if pair[0] is not agent]
        if agent.socket.fileno() >= 0:
            self._selector.unregister(agent.socket)
            agent.socket.close()

    def _take(self, agent: _Agent, batch: Any, events: Any) -> None:
        for event in events:
            headers = [(name, value.encode()) for name, value in event["headers"].items()]
            self._left.append(Message(event["body"], headers=headers))
        self._waiting.append((agent, batch))


class FlumePush(_Flume):
    """Listens on `host`:`port`, and runs on that host, for Avro sinks; `deflate` is for those with
    `compression-type = deflate`. A message is an event's body with the event's headers."""

    def __init__(self, host: str, port: int, deflate: bool = False) -> None:
        self.host, self.port, self.deflate = host, port, deflate
        self.name = f"flume:{port}"

    def open(self) -> None:
        super().open()
        try:
            self._server = socket.create_server((self.host or "", self.port))
        except socket.gaierror as error:
            raise GiveUp(f"{self.host} is no address: {error}") from None
        self._selector.register(self._server, selectors.EVENT_READ)

    def _ready(self, agent: _Agent | None) -> None:
        if agent is None:
            self._watch(self._server.accept()[0], Answering(self.deflate))
        else:
            super()._ready(agent)

    def _came(self, agent: _Agent, data: bytes) -> None:
        for call in agent.connection.fed(data):
            many = call.name == "appendBatch"
            events = read(call.body, MANY if many else ONE)
            self._take(agent, call, events if many else [events])

    def _stored(self, agent: _Agent, batch: Any) -> bytes:
        return agent.connection.answer(batch, STATUS, "OK")  # type: ignore[no-any-return]


class FlumePull(_Flume):
    """Asks the Spark sink of each agent in `addresses` for up to `max_batch` events at a time. An
    agent that cannot be reached is tried again every few seconds; the others go on."""

    def __init__(self, addresses: Sequence[tuple[str, int]], max_batch: int = 1000) -> None:
        self.addresses = [(host, int(port)) for host, port in addresses]
        self.name, self.max_batch = "flume", max_batch

    def open(self) -> None:
        super().open()
        self._agents: dict[tuple[str, int], _Agent] = {}
        self._idle: list[_Agent] = []
        self._next_try = 0.0

    def poll(self, limit: int, wait: float) -> list[Message]:
        if time.monotonic() > self._next_try:
            self._connect()
        idle, self._idle = self._idle, []
        for agent in idle:
            count = min(limit, self.max_batch)
            self._send(agent, agent.connection.call("getEventBatch", "int", count, BATCH))
        return super().poll(limit, wait)

    def _connect(self) -> None:
        self._next_try = time.monotonic() + RETRY_S
        for address in self.addresses:
            if address in self._agents and self._agents[address].socket.fileno() >= 0:
                continue
            try:
                connected = socket.create_connection(address, CONNECT_S)
            except OSError as error:
                print(f"flume: no agent at {address[0]}:{address[1]}: {error}", file=sys.stderr)
                continue
            self._agents[address] = self._watch(connected, Asking(PROTOCOL))
            self._idle.append(self._agents[address])

    def _came(self, agent: _Agent, data: bytes) -> None:
        for batch in agent.connection.fed(data):
            if batch and batch["events"]:
                self._take(agent, batch["sequenceNumber"], batch["events"])
            elif batch:  # the sink has nothing, or is about to end
                self._idle.append(agent)

    def _stored(self, agent: _Agent, batch: Any) -> bytes:
        self._idle.append(agent)
        return agent.connection.call("ack", "string", batch, "null")  # type: ignore[no-any-return]
