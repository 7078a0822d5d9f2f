"""A port in front of another one's that misbehaves on request: slow, narrow, silent, or cut at a
named NameNode call.

It knows only what it must of Hadoop's RPC: seven bytes of greeting, then frames of four bytes of
length and a protobuf header, in which a call has its number and its method. So a call is cut
exactly: before the server has it, or when its answer is there.
"""

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from tests.conftest import HOST

GREETING = 7
UP, DOWN = "up", "down"  # to the server, to the client
BEFORE, AFTER, HOLD_CALL, HOLD_ANSWER = "cut before", "cut after", "hold call", "hold answer"
_POLL_S = 0.02


@dataclass
class Rule:
    """What happens to each `every`-th call of a method about a path with `about` in it, at most
    `times` times; the events say how far a held call has got."""

    method: str
    action: str
    about: str = ""
    every: int = 1
    times: int = 1_000_000
    seen: int = 0
    hits: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    # the server has answered a call that was held
    answered: threading.Event = field(default_factory=threading.Event)

    def takes(self, frame: bytes) -> bool:
        """Whether this frame is a call that the rule is for."""
        method = b"\x0a" + bytes([len(self.method)]) + self.method.encode()
        if method not in frame or self.about.encode() not in frame:
            return False
        self.seen += 1
        hit = self.seen % self.every == 0 and self.hits < self.times
        self.hits += hit
        return hit


class Proxy:
    """Listens on `port` and forwards to `target`, a port of this machine. Latency and bandwidth may
    be changed at any time."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency_s = self.jitter_s = 0.0  # each way, for each frame
        self.bytes_per_s = 0.0  # 0 is no limit
        self.rules: list[Rule] = []
        self._flows = {UP: threading.Event(), DOWN: threading.Event()}
        self.heal()
        self.links: list[_Link] = []
        self.lock = threading.Lock()
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes no waiting thread
        self._listener.close()
        self._thread.join()
        self.reset()

    def on(
        self, method: str, action: str, about: str = "", every: int = 1, times: int = 1_000_000
    ) -> Rule:
        """From now on do this to the calls of `method`."""
        rule = Rule(method, action, about, every, times)
        self.rules.append(rule)
        return rule

    def silence(self, direction: str) -> None:
        """Half-open: what is sent in this direction waits, as packets do that get lost, until
        `heal`."""
        self._flows[direction].clear()

    def heal(self) -> None:
        """A good line again: no rules, no silence, no limits. What was held is sent on."""
        self.latency_s = self.jitter_s = self.bytes_per_s = 0.0
        for rule in self.rules:
            rule.released.set()
        self.rules = []
        for flow in self._flows.values():
            flow.set()

    def reset(self) -> None:
        """Reset every connection there is."""
        with self.lock:
            links, self.links = self.links, []
        for link in links:
            link.reset()

    def flows(self, direction: str) -> bool:
        return self._flows[direction].is_set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((HOST, self.target))
            except OSError:
                _reset(client)
                continue
            link = _Link(self, client, server)
            with self.lock:
                self.links = [known for known in self.links if not known.closed] + [link]
            link.start()


class _Link:
    """One client's connection, a thread each way."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.awaited: dict[int, Rule] = {}  # by the number of the call
        self.closed = False

    def start(self) -> None:
        for run in (self._up, self._down):
            threading.Thread(target=self._carry, args=(run,), daemon=True).start()

    def reset(self) -> None:
        """End both sides with a reset, so that neither takes it for an orderly end."""
        self.closed = True
        _reset(self.client)
        _reset(self.server)

    def _carry(self, run: Callable[[], None]) -> None:
        with suppress(OSError, EOFError):
            run()
        self.reset()

    def _up(self) -> None:
        try:
            self._calls()
        except EOFError:  # the client is gone: what it has sent still reaches the server
            while self.awaited and not self.closed:
                time.sleep(_POLL_S)

    def _calls(self) -> None:
        self.server.sendall(_exactly(self.client, GREETING))
        for frame in _frames(self.client):
            rule = next((rule for rule in self.proxy.rules if rule.takes(frame)), None)
            if rule and rule.action == BEFORE:
                return
            if rule and rule.action == HOLD_CALL:
                self._hold(rule)
            if rule:
                self.awaited[_call_number(frame)] = rule
            self._send(self.server, UP, frame)

    def _down(self) -> None:
        for frame in _frames(self.server):
            rule = self.awaited.pop(_answered_number(frame), None) if self.awaited else None
            if rule:
                rule.answered.set()
            if rule and rule.action == AFTER:
                return
            if rule and rule.action == HOLD_ANSWER:
                self._hold(rule)
            self._send(self.client, DOWN, frame)

    def _hold(self, rule: Rule) -> None:
        rule.held.set()
        while not rule.released.wait(_POLL_S) and not self.closed:
            pass

    def _send(self, to: socket.socket, direction: str, frame: bytes) -> None:
        time.sleep(self.proxy.latency_s + random.uniform(0, self.proxy.jitter_s))
        if self.proxy.bytes_per_s:
            time.sleep(len(frame) / self.proxy.bytes_per_s)
        while not self.proxy.flows(direction) and not self.closed:
            time.sleep(_POLL_S)
        to.sendall(frame)


def _exactly(source: socket.socket, size: int) -> bytes:
    """This many bytes. Raises EOFError where there are no more."""
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _frames(source: socket.socket) -> Iterator[bytes]:
    """Each frame with its length before it."""
    while True:
        length = _exactly(source, 4)
        yield length + _exactly(source, struct.unpack(">I", length)[0])


def _call_number(frame: bytes) -> int:
    """RpcRequestHeaderProto: the third field, zigzag."""
    fields = _numbers(frame)
    return (fields[3] >> 1) ^ -(fields[3] & 1)


def _answered_number(frame: bytes) -> int:
    """RpcResponseHeaderProto: the first field, -3 and the like as an unsigned number of 32 bits."""
    number = _numbers(frame).get(1, -1) & 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def _numbers(frame: bytes) -> dict[int, int]:
    """The whole-number fields with which the frame's protobuf header begins."""
    _, at = _varint(frame, 4)  # the header's length
    found: dict[int, int] = {}
    while at < len(frame) and frame[at] & 7 == 0:
        name = frame[at] >> 3
        found[name], at = _varint(frame, at + 1)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A protobuf varint and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # wakes a thread that waits on it; closing alone would leave the connection open
        end.shutdown(socket.SHUT_RD)
    end.close()
