"""A server that speaks X's wire on 127.0.0.1: stream rules, the filtered stream, recent search,
counts, usage.

For trying the producer without a key, and for the tests. Every fault that X is known for can be
asked for: `POST /_fault` with {"kind": one of FAULTS, "after": posts of a connection before it,
"times": how often}. `POST /_bill` says what X would charge for what was delivered. Its tweets are
invented. It refuses what X refuses; each rule names where X documents it.
"""

import argparse
import signal
import sys
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from types import TracebackType

from local.stub_servers.x_handler import Handler
from local.stub_servers.x_state import TOKEN as TOKEN
from local.stub_servers.x_state import XState

KEEP_ALIVE_S = 20.0  # X's own


class XStub(XState):
    """`with XStub() as x:` runs it; `x.url` is its base URL, the rest is what it shares with its
    handlers."""

    def __init__(
        self,
        port: int = 0,
        keep_alive_s: float = 0.1,
        silence_s: float = 25.0,
        page_size: int = 100,
        pace: float = 1.0,
    ) -> None:
        super().__init__(keep_alive_s, silence_s, page_size, pace)
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", port), type("Own", (Handler,), {"stub": self})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def post_for_ever(self, rate: float) -> None:
        """Invent posts, `rate` per second, until the stub ends."""
        while not self.ended.wait(1.0 / rate):
            self.world.invent(1)

    def __enter__(self) -> "XStub":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python3 -m local.stub_servers.x", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--port", type=int, required=True, help="listen here, on 127.0.0.1")
    parser.add_argument(
        "--rate", type=float, default=50.0, help="invented posts per second (default 50); 0 is none"
    )
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with XStub(chosen.port, KEEP_ALIVE_S) as x:
        print(f"x-stub: listening on {x.url}, token {TOKEN}", flush=True)
        with suppress(KeyboardInterrupt):
            x.post_for_ever(chosen.rate) if chosen.rate else x.ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
