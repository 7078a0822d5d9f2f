"""A small server that speaks X's wire on 127.0.0.1: stream rules, the filtered stream, recent search. For tests only."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "stub-token-3f9c1e77"
KEEP_ALIVE_S = 0.1


class XStub:
    """What it serves is in its attributes, what it saw too; `with XStub() as x:` runs it, `x.url` is its base URL."""

    def __init__(self) -> None:
        self.rules: list[dict[str, str]] = []
        self.connections: list[list[bytes]] = []  # the lines of each stream connection; the last one stays open
        self.found: list[dict[str, Any]] = []  # what a search finds, oldest first: response objects with data and includes
        self.page_size = 2
        self.refuse: dict[str, tuple[int, dict[str, Any]]] = {}  # path: status and problem object, instead of an answer
        self.connected_at: list[float] = []
        self.queries: list[dict[str, str]] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

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
        path, query = urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if self._refused(path):
            return
        if path == "/2/tweets/search/stream/rules":
            self._answer(200, {"data": self.stub.rules} if self.stub.rules else {"meta": {}})
        elif path == "/2/tweets/search/stream":
            self._stream(query)
        elif path == "/2/tweets/search/recent":
            self.stub.queries.append(query)
            self._answer(200, self._page(query))
        else:
            self._answer(404, {"title": "Not Found", "detail": path})

    def do_POST(self) -> None:  # noqa: N802 - the name is the base class's
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused(urlsplit(self.path).path):
            return
        rules = self.stub.rules
        if "delete" in body:
            rules[:] = [rule for rule in rules if rule["id"] not in body["delete"]["ids"]]
        for rule in body.get("add", []):
            if "(" in rule["value"]:
                self._answer(201, {"errors": [{"title": "Invalid Rule", "detail": "unbalanced \x1b[31mparentheses"}]})
                return
            rules.append({**rule, "id": str(1000 + len(rules))})
        self._answer(201, {"data": rules, "meta": {}})

    def _refused(self, path: str) -> bool:
        """Answer with the error that the test wants, or 401 for a wrong token."""
        problem = self.stub.refuse.get(path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            problem = (
                401,
                {"title": "Unauthorized", "detail": f"Unauthorized: {self.headers['Authorization']}", "type": "about:blank"},
            )
        if problem is not None:
            self._answer(*problem)
        return problem is not None

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        payload = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, query: dict[str, str]) -> None:
        """The lines of this connection, torn into chunks without regard to their ends; the last connection is kept alive."""
        number = len(self.stub.connected_at)
        self.stub.connected_at.append(time.monotonic())
        self.stub.queries.append(query)
        lines = self.stub.connections[number : number + 1]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        torn = b"".join(line + b"\r\n" for line in (lines[0] if lines else []))
        for start in range(0, len(torn), 700):
            self._chunk(torn[start : start + 700])
        while number >= len(self.stub.connections) - 1 and not self.stub.ended.wait(KEEP_ALIVE_S):
            self._chunk(b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        """One page, newest tweets first, with the users and places of all its tweets in one includes."""
        newer = [tweet for tweet in self.stub.found if int(tweet["data"]["id"]) > int(query.get("since_id", "0"))][::-1]
        begin = int(query.get("next_token", "0"))
        page = newer[begin : begin + self.stub.page_size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if not page:
            return {"meta": meta}
        meta |= {"newest_id": page[0]["data"]["id"], "oldest_id": page[-1]["data"]["id"]}
        if begin + len(page) < len(newer):
            meta["next_token"] = str(begin + len(page))
        includes: dict[str, dict[str, Any]] = {"users": {}, "places": {}}
        for tweet in page:
            for kind, known in includes.items():
                known.update({included["id"]: included for included in tweet["includes"].get(kind, [])})
        shared = {kind: list(known.values()) for kind, known in includes.items() if known}
        return {"data": [tweet["data"] for tweet in page], "includes": shared, "meta": meta}

    def handle(self) -> None:
        """Clients hang up in the middle of a stream; that is their right."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests say what matters."""
