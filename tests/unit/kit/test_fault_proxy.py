"""The tests' proxy cuts, holds and slows the calls that it is told to, and no other."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.conftest import HOST, wait_until
from tests.kit.faults.proxy import AFTER, BEFORE, DOWN, GREETING, HOLD_ANSWER, HOLD_CALL, UP, Proxy


class NameNode:
    """Answers each call in Hadoop's frames, and keeps the methods that it was called by."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.listener = socket.create_server((HOST, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(ConnectionResetError), client, client.makefile("rb") as stream:
            stream.read(GREETING)
            while length := stream.read(4):
                frame = stream.read(struct.unpack(">I", length)[0])
                number, method = frame[6] >> 1, frame[9 : 9 + frame[8]].decode()
                self.called.append(method)
                header = bytes([0x08, number])
                client.sendall(struct.pack(">I", 1 + len(header)) + bytes([len(header)]) + header)


class Client:
    """Calls a NameNode."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=5)
        self.socket.sendall(b"hrpc\x09\x00\x00")
        self.number = 0

    def send(self, method: str) -> None:
        self.number += 1
        header = bytes([0x08, 2, 0x10, 0, 0x18, self.number * 2])
        body = b"\x0a" + bytes([len(method)]) + method.encode()
        self.socket.sendall(
            struct.pack(">I", 1 + len(header) + len(body)) + bytes([len(header)]) + header + body
        )

    def call(self, method: str) -> int:
        """The number of the call that was answered; raises ConnectionResetError when the connection
        was reset."""
        self.send(method)
        return self.answer()

    def answer(self) -> int:
        data = self.socket.recv(7)
        if not data:
            raise EOFError
        return data[6]


@pytest.fixture
def namenode() -> Iterator[NameNode]:
    server = NameNode()
    yield server
    server.stop()


@pytest.fixture
def proxy(namenode: NameNode) -> Iterator[Proxy]:
    with Proxy(namenode.listener.getsockname()[1]) as proxy:
        yield proxy


def test_calls_and_answers_pass(namenode: NameNode, proxy: Proxy) -> None:
    client = Client(proxy.port)
    assert [client.call(method) for method in ("mkdirs", "rename2", "complete")] == [1, 2, 3]
    assert namenode.called == ["mkdirs", "rename2", "complete"]


@pytest.mark.parametrize(("action", "executed"), [(BEFORE, 1), (AFTER, 2)])
def test_a_call_is_cut_before_or_after_it_is_executed(
    namenode: NameNode, proxy: Proxy, action: str, executed: int
) -> None:
    rule = proxy.on("rename2", action, every=2)
    client = Client(proxy.port)
    assert [client.call("rename"), client.call("rename2")] == [1, 2], (
        "another method, and the first of each two"
    )
    with pytest.raises(ConnectionResetError):
        client.call("rename2")
    assert namenode.called.count("rename2") == executed
    assert rule.hits == 1
    assert Client(proxy.port).call("rename2") == 1, "a new connection works"


def test_a_call_is_held_until_released_even_if_its_client_is_gone(
    namenode: NameNode, proxy: Proxy
) -> None:
    rule = proxy.on("rename2", HOLD_CALL)
    client = Client(proxy.port)
    client.send("rename2")
    assert rule.held.wait(5)
    client.socket.close()
    assert namenode.called == []
    proxy.heal()
    assert rule.answered.wait(5)
    assert namenode.called == ["rename2"]


def test_an_answer_is_held(namenode: NameNode, proxy: Proxy) -> None:
    rule = proxy.on("rename2", HOLD_ANSWER, times=1)
    client = Client(proxy.port)
    client.send("rename2")
    assert rule.held.wait(5)
    assert namenode.called == ["rename2"]
    client.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.answer()
    proxy.heal()
    client.socket.settimeout(5)
    assert client.answer() == 1


@pytest.mark.parametrize(("direction", "executed"), [(UP, []), (DOWN, ["mkdirs"])])
def test_one_way_is_silent_until_it_heals(
    namenode: NameNode, proxy: Proxy, direction: str, executed: list[str]
) -> None:
    proxy.silence(direction)
    client = Client(proxy.port)
    client.send("mkdirs")
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.answer()
    assert namenode.called == executed
    proxy.heal()
    client.socket.settimeout(5)
    assert client.answer() == 1


def test_latency_and_bandwidth(proxy: Proxy) -> None:
    client = Client(proxy.port)

    def seconds() -> float:
        began = time.monotonic()
        client.call("mkdirs")
        return time.monotonic() - began

    proxy.latency_s = 0.1
    assert seconds() >= 0.2
    proxy.latency_s, proxy.bytes_per_s = 0.0, 100.0  # 19 bytes there, 7 back
    assert seconds() >= 0.25
    proxy.heal()
    assert min(seconds() for _ in range(10)) < 0.2, (
        "the quickest: a crowded machine may be late with one"
    )


def test_a_reset_and_a_server_that_is_away(namenode: NameNode, proxy: Proxy) -> None:
    client = Client(proxy.port)
    client.call("mkdirs")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.call("mkdirs")
    namenode.stop()
    # by connecting already, where the proxy is quicker than we are
    with pytest.raises(ConnectionResetError):
        socket.create_connection((HOST, proxy.port), timeout=5).recv(1)
    wait_until(lambda: all(link.closed for link in proxy.links), 5, "no link is left")
