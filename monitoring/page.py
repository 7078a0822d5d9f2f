"""The two addresses of a running program: /metrics for Prometheus, /health for whoever restarts
it."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from config.errors import ConfigError

_REMEDY = "set --metrics to HOST:PORT with a free port; 127.0.0.1 is this machine only"


@dataclass(frozen=True)
class Health:
    """`reason` says why the program is not well; empty is well. `figures` go into the answer."""

    reason: str
    figures: dict[str, Any] = field(default_factory=dict)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a scrape that hangs must not keep the program from ending


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: one line per scrape would be most of the log."""


def serve(
    address: str, registry: CollectorRegistry, health: Callable[[], Health]
) -> Callable[[], None]:
    """Answer at HOST:PORT from a thread of its own until the function that this gives is called.

    Raises ConfigError where the address is none, or taken.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError("not an address", f"metrics {address}", _REMEDY)
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start)  # type: ignore[no-any-return]
        if path != "/health":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics or /health\n"]
        found = health()
        state = {"healthy": not found.reason, "reason": found.reason, **found.figures}
        status = "503 Service Unavailable" if found.reason else "200 OK"
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(state).encode() + b"\n"]

    try:
        server = make_server(host, int(port), answer, _Server, _Silent)
    except OSError as error:
        what = f"metrics cannot be served: {error.strerror or error}"
        raise ConfigError(what, f"metrics {address}", _REMEDY) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    return close
