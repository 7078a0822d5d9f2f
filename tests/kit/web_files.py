"""Files in memory, read over WebHDFS: for pictures, which need no NameNode."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.kit.memory_files import MemoryFiles

KINDS = {True: "DIRECTORY", False: "FILE"}
GONE = {"RemoteException": {"exception": "FileNotFoundException", "message": "no such file"}}


@contextmanager
def webhdfs(outputs: Mapping[str, MemoryFiles]) -> Iterator[str]:
    """The address of a server that has the files of each output below its path."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path = unquote(asked.path.removeprefix("/webhdfs/v1"))
            files, name = next(
                ((f, path[len(o) + 1 :]) for o, f in outputs.items() if path.startswith(f"{o}/")),
                (MemoryFiles(), path),
            )
            if not files.exists(name):
                self._answer(404, json.dumps(GONE).encode())
            elif "op=OPEN" in asked.query:
                self._answer(200, files.read(name))
            elif "op=LISTSTATUS" in asked.query:
                found = [
                    {"pathSuffix": one, "type": KINDS[entry.is_folder]}
                    for one, entry in files.list(name).items()
                ]
                answer = {"FileStatuses": {"FileStatus": found}}
                self._answer(200, json.dumps(answer).encode())
            else:
                kind = KINDS[files.nodes[name] is None]
                self._answer(200, json.dumps({"FileStatus": {"type": kind}}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a follower that is ended hangs up

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
