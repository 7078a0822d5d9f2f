"""How the stub of X answers: X's endpoints, its refusals, and the stream with the faults that are
due."""

import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.stub_servers.x_faults import (
    ENDS,
    MAINTENANCE,
    NOTICE,
    REFUSALS,
    SHAPES,
    TAKEN,
    headers_of,
)
from local.stub_servers.x_state import XState
from local.stub_servers.x_window import Refused
from local.stub_servers.x_world import Post, asked_for, lines_of

BURST = 2_000
PORTION = 500  # posts that are written without looking up
BUFFER_BYTES = 65_536  # what X keeps for a reader that does not read


class Handler(BaseHTTPRequestHandler):
    """One connection to the stub."""

    stub: XState
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to({})

    def do_POST(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to(
            json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        )

    def do_DELETE(self) -> None:  # noqa: N802 - the name is the base class's
        self._answer_to({})

    def _answer_to(self, body: dict[str, Any]) -> None:
        url, self.limits = urlsplit(self.path), dict[str, str]()
        if self.stub.away and not url.path.startswith("/_"):
            self.close_connection = True
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            if url.path.startswith("/_"):
                self._send(200, self._control(url.path, body))
                return
            self.stub.requests.append((url.path, query))
            self._refuse(url.path)
            if url.path == "/2/tweets/search/stream":
                self._stream(query)
            else:
                self._send(*self._answer(url.path, query, body))
        except Refused as refused:
            self._send(refused.status, refused.problem, refused.headers)

    def _control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The stub's own endpoints: /_fault, /_posts {"count": n}, /_bill (what X would charge),
        /_status."""
        if path == "/_fault":
            self.stub.fault(**body)
        if path == "/_posts":
            self.stub.world.invent(int(body.get("count", 1)))
        x = self.stub
        if path == "/_bill":
            return x.world.bill.table()
        return {
            "posts": len(x.world.posts),
            "delivered": len(x.delivered),
            "connections": len(x.connected_at),
        }

    def _answer(
        self, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
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
            used = str(world.bill.table()["posts"])
            return 200, {
                "data": {
                    "cap_reset_day": 7,
                    "project_cap": "3000000",
                    "project_id": "1",
                    "project_usage": used,
                }
            }
        raise Refused(404, f"Not Found: {path}", "resource-not-found")

    def _refuse(self, path: str) -> None:
        """Raise the refusal that is due, or the one for a wrong token."""
        if self.headers["Authorization"] != f"Bearer {self.stub.token}":
            raise Refused(401, f"Unauthorized: {self.headers['Authorization']}")
        within, self.limits = self.stub.limits.ask(path, self.stub.world.now())
        if not within:
            raise Refused(429, "Too Many Requests", headers=self.limits)
        if (
            self.stub.faults
            and self.stub.faults[0].kind in REFUSALS
            and path.endswith(self.stub.faults[0].path)
        ):
            kind = self.stub.faults.popleft().kind
            status, detail, *rest = REFUSALS[kind]
            more: Any = {"too_many_connections": TAKEN, "maintenance": {"html": MAINTENANCE}}.get(
                kind, {}
            )
            headers = headers_of(kind, self.stub.world.now())
            detail += f" {self.headers['Authorization']} \x1b[2J"
            raise Refused(status, detail, next(iter(rest), ""), headers, **more)

    def _send(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        html = body.get("html")
        payload = (html or json.dumps(body, ensure_ascii=False)).encode()
        self.send_response(status)
        kind = "text/html" if html else "application/json"
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            **self.limits,
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, query: dict[str, str]) -> None:
        """Check what X checks, then send posts: the first connection all of them, a later one those
        that are new."""
        x = self.stub
        if not x.world.rules:
            raise Refused(409, "Conflict: rules must be defined", "invalid-request")
        if x.open_streams:
            status, detail, kind = REFUSALS["too_many_connections"]
            raise Refused(
                status,
                detail,
                kind,
                headers=headers_of("too_many_connections", x.world.now()),
                **TAKEN,
            )
        begin = len(x.world.posts) if x.connected_at else 0
        x.connected_at.append(time.monotonic())
        x.open_streams += 1
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self.connection.settimeout(x.patience_s)
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in {"Transfer-Encoding": "chunked", **self.limits}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self._send_posts(begin, query)
        except TimeoutError:
            x.slow_readers += 1
            self.close_connection = True
        finally:
            x.open_streams -= 1

    def _send_posts(self, begin: int, query: dict[str, str]) -> None:
        """Posts from number `begin` on, with the faults that are due; returns when the connection
        is to end."""
        x, sent = self.stub, 0
        shape: Callable[[list[Post]], list[Post]] = list
        while not x.ended.is_set():
            if x.away:
                self.close_connection = True
                return
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
                limit = due.after - sent if due is not None and due.after > sent else PORTION
                posts = x.world.posts[begin + sent : begin + sent + min(limit, PORTION)]
            self._lines([asked_for(post, query) for post in shape(posts)] if posts else [])
            sent += len(posts)
            shape = list if posts else shape
        self._chunk(b"")

    def _lines(self, posts: list[Post]) -> None:
        """Posts, torn into chunks without regard to their ends; an empty line when there are
        none."""
        lines = list(lines_of(posts))
        torn = b"".join(line + b"\r\n" for _, line in lines) or b"\r\n"
        self.stub.delivered |= lines  # before it is sent: the reader may compare at once
        for post in posts:
            self.stub.world.bill.add(self.stub.world.day, [post["data"]], post["includes"])
        for start in range(0, len(torn), 700):
            self._chunk(torn[start : start + 700])

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

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of an answer, by X's clock."""
        return formatdate(self.stub.world.now() if timestamp is None else timestamp, usegmt=True)

    def handle(self) -> None:
        """Clients hang up in the middle of a stream; that is their right."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what matters is in `requests`."""
