"""A server that speaks X's wire on 127.0.0.1: stream rules, the filtered stream, recent search, counts, usage.

For trying the producer without a key, and for the tests. Every fault that X is known for can be asked for: `POST /_fault`
with {"kind": one of FAULTS, "after": so many posts of a connection, "times": so often}. Its tweets are invented.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scripts.stubs.x_faults import ENDS, FAULTS, NOTICE, REFUSALS, SHAPES, TAKEN, Fault
from scripts.stubs.x_world import Post, Refused, World, lines_of

TOKEN = "stub-token-3f9c1e77"
KEEP_ALIVE_S = 20.0  # X's own
CONNECTS, WINDOW_S = 50, 900.0
BURST = 2_000


class XStub:
    """`with XStub() as x:` runs it; `x.url` is its base URL, `x.world` what it knows, the rest what it saw and does."""

    def __init__(self, port: int = 0, keep_alive_s: float = 0.1, silence_s: float = 25.0, page_size: int = 100) -> None:
        self.world, self.token = World(), TOKEN
        self.keep_alive_s, self.silence_s, self.page_size = keep_alive_s, silence_s, page_size
        self.faults: deque[Fault] = deque()
        self.connected_at: list[float] = []
        self.requests: list[tuple[str, dict[str, str]]] = []  # path and query of each
        self.delivered: dict[str, bytes] = {}  # id and line of each post that was written to a stream
        self.open_streams = 0
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"stub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fault(self, kind: str, after: int = 0, times: int = 1, path: str = "/search/stream") -> None:
        """Have this happen; faults come one after the other. Raises ValueError for an unknown one."""
        if kind not in FAULTS:
            raise ValueError(f"{kind} is none of {', '.join(FAULTS)}")
        with self.world.said:
            self.faults += [Fault(kind, after, path) for _ in range(times)]
            self.world.said.notify_all()

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries of the requests so far whose path ends so."""
        return [query for asked, query in self.requests if asked.endswith(path)]

    def post_for_ever(self, rate: float) -> None:
        """Invent posts, `rate` a second, until the stub ends."""
        while not self.ended.wait(1.0 / rate):
            self.world.invent(1)

    def __enter__(self) -> "XStub":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    stub: XStub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to({})

    def do_POST(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to(json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}"))

    def do_DELETE(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to({})

    def _answer_to(self, body: dict[str, Any]) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            if url.path.startswith("/_"):
                self._send(200, self._control(url.path, body))
                return
            self.stub.requests.append((url.path, query))
            self._refuse(url.path)
            if url.path == "/2/tweets/search/stream":
                self._stream()
            else:
                self._send(*self._answer(url.path, query, body))
        except Refused as refused:
            self._send(refused.status, refused.problem, refused.headers)

    def _control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The stub's own endpoints: /_fault, /_posts {"count": n}, /_status."""
        if path == "/_fault":
            self.stub.fault(**body)
        if path == "/_posts":
            self.stub.world.invent(int(body.get("count", 1)))
        x = self.stub
        return {"posts": len(x.world.posts), "delivered": len(x.delivered), "connections": len(x.connected_at)}

    def _answer(self, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        world = self.stub.world
        if path == "/2/tweets/search/stream/rules" and self.command == "POST":
            return 201, world.change_rules(body, query.get("dry_run") == "true")
        if path == "/2/tweets/search/stream/rules":
            return 200, {"data": world.rules, "meta": {}} if world.rules else {"meta": {}}
        if path == "/2/tweets/search/recent":
            return 200, world.page(query, self.stub.page_size)
        if path == "/2/tweets/counts/recent":
            return 200, world.counts(query)
        if path == "/2/usage/tweets":
            return 200, {"data": {"project_cap": "3000000", "project_usage": str(len(self.stub.delivered)), "project_id": "1"}}
        raise Refused(404, f"Not Found: {path}", "resource-not-found")

    def _refuse(self, path: str) -> None:
        """Raise the refusal that is due, or the one for a wrong token."""
        if self.headers["Authorization"] != f"Bearer {self.stub.token}":
            raise Refused(401, f"Unauthorized: {self.headers['Authorization']}")
        if self.stub.faults and self.stub.faults[0].kind in REFUSALS and path.endswith(self.stub.faults[0].path):
            kind = self.stub.faults.popleft().kind
            reset = {"x-rate-limit-reset": str(int(time.time()) + 3)} if kind == "429_reset" else {}
            status, detail, *rest = REFUSALS[kind]
            more = TAKEN if kind == "too_many_connections" else {}
            raise Refused(status, f"{detail} {self.headers['Authorization']} \x1b[2J", *rest[:1], headers=reset, **more)

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self) -> None:
        """Check what X checks, then send posts: the first connection all of them, a later one those that are new."""
        x = self.stub
        recent = [at for at in x.connected_at if at > time.monotonic() - WINDOW_S]
        if len(recent) >= CONNECTS:
            reset = {"x-rate-limit-reset": str(int(time.time() + WINDOW_S))}
            raise Refused(429, "Too Many Requests", headers=reset)
        if not x.world.rules:
            raise Refused(409, "Conflict: rules must be defined", "invalid-request")
        if x.open_streams:
            raise Refused(429, "ConnectionException: This stream is at the maximum", "streaming-connection", **TAKEN)
        begin = len(x.world.posts) if x.connected_at else 0
        x.connected_at.append(time.monotonic())
        x.open_streams += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._send_posts(begin)
        finally:
            x.open_streams -= 1

    def _send_posts(self, begin: int) -> None:
        """Posts from number `begin` on, with the faults that are due; returns when the connection is to end."""
        x, sent = self.stub, 0
        shape: Callable[[list[Post]], list[Post]] = list
        while not x.ended.is_set():
            due = x.faults[0] if x.faults and x.faults[0].kind not in REFUSALS else None
            if due is not None and sent >= due.after:
                x.faults.popleft()
                shape = SHAPES.get(due.kind, shape)
                if self._break(due.kind):
                    return
                continue
            with x.world.said:
                if len(x.world.posts) <= begin + sent:
                    x.world.said.wait(x.keep_alive_s)
                limit = due.after - sent if due is not None and due.after > sent else None
                posts = x.world.posts[begin + sent :][:limit]
            self._lines(shape(posts) if posts else [])
            sent += len(posts)
            shape = list if posts else shape
        self._chunk(b"")

    def _lines(self, posts: list[Post]) -> None:
        """Posts, torn into chunks without regard to their ends; an empty line when there are none."""
        lines = list(lines_of(posts))
        torn = b"".join(line + b"\r\n" for _, line in lines) or b"\r\n"
        for start in range(0, len(torn), 700):
            self._chunk(torn[start : start + 700])
        self.stub.delivered |= lines

    def _break(self, kind: str) -> bool:
        """Let the fault happen; true when the connection ends by it."""
        x, world = self.stub, self.stub.world
        if kind == "silence":
            x.open_streams -= 1  # X has forgotten the connection: another one is welcome
            x.ended.wait(x.silence_s)
            x.open_streams += 1
        if kind == "reset":
            self.wfile.write(b"7")  # the beginning of a chunk
        if kind == "notice":
            self._chunk(json.dumps({"errors": [NOTICE]}).encode() + b"\r\n")
        if kind in ("close", "notice"):
            self._chunk(b"")
        if kind == "broken_json":
            self._chunk(b'{"data":{"id":"17\xff\r\n')
        if kind == "burst":
            world.invent(BURST)
        self.close_connection = kind in ENDS
        return self.close_connection

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def handle(self) -> None:
        """Clients hang up in the middle of a stream; that is their right."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what matters is in `requests`."""


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python3 -m scripts.stubs.x", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="listen here, on 127.0.0.1")
    parser.add_argument("--rate", type=float, default=50.0, help="invented posts a second (default 50); 0 is none")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with XStub(chosen.port, KEEP_ALIVE_S) as x:
        print(f"x-stub: listening on {x.url}, token {TOKEN}", flush=True)
        with suppress(KeyboardInterrupt):
            x.post_for_ever(chosen.rate) if chosen.rate else x.ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
