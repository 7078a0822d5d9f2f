#!/usr/bin/env python3
"""A stand-in for Bluesky's Jetstream, on 127.0.0.1: invented posts over both its wires, to try
without the network and to test.

    python -m local.stub_servers.jetstream --port 6008 --rate 50

It is as strict as the real one; each rule names where github.com/bluesky-social/jetstream has it:
`docs` is its docs/README.md, `handler`, `filter`, `filterv2` and `cursor` are files of
internal/subscribe/, `lexicon` is subscribeEvents.json. What it lacks: zstd, dids, v1's
options_update and requireHello, the archive's own endpoints. Every fault comes on demand. Events
begin with the start of the program and are kept, so that a cursor finds them.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from config import venv

    venv.enter()

import argparse
import json
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from local.stub_servers.jetstream_log import Event, Log
from local.stub_servers.jetstream_rules import V1_PATH, V2_PATH, Plan, Refusal, plan_of

TICK_S = 0.02
PING_S, PONG_S = 30, 5  # handler: pingInterval, frameWriteTimeout


@dataclass
class Faults:
    """What goes wrong, counted in frames of one connection; 0 is never.

    `refuse` is an HTTP status for every connection, `refuse_v2` for those over v2; `error_after`
    ends v2 with ConsumerTooSlow.
    """

    drop_after: int = 0
    silent_after: int = 0
    bad_every: int = 0
    repeat_every: int = 0
    error_after: int = 0
    refuse: int = 0
    refuse_v2: int = 0


class Jetstream:
    """The server, with a log of events that grows by `rate` a second up to `posts` of them; 0 is
    without end.

    Attributes may change while it runs; `lookback_s` is how old the oldest event is that a cursor
    brings.
    """

    def __init__(
        self,
        port: int = 0,
        rate: float = 50.0,
        posts: int = 0,
        seed: int = 1,
        faults: Faults | None = None,
    ) -> None:
        self.rate, self.posts, self.faults = rate, posts, faults or Faults()
        self.lookback_s = 36 * 3600.0  # docs 5.1
        self.log, self.connections, self.asked = Log(seed), 0, list[str]()
        self._ended = threading.Event()
        # v1 takes permessage-deflate from a client that offers it (handler:
        # CompressionContextTakeover)
        self._server = serve(
            self._subscribed,
            "127.0.0.1",
            port,
            process_request=self._asked,
            subprotocols=None,
            select_subprotocol=_subprotocol,
            compression="deflate",
            ping_interval=PING_S,
            ping_timeout=PONG_S,
        )
        self.port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self.v1, self.v2 = self.url + V1_PATH, self.url + V2_PATH
        self._threads = [
            threading.Thread(target=run, daemon=True)
            for run in (self._server.serve_forever, self._grow)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Jetstream":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()

    @property
    def events(self) -> list[Event]:
        return self.log.events

    def published(self, wire: str = "v2") -> dict[str, list[str | None]]:
        """See `Log.published`."""
        return self.log.published(wire)

    def _grow(self) -> None:
        made, due, looked = 0, 0.0, time.monotonic()
        while not self._ended.wait(TICK_S):
            now = time.monotonic()
            due += (now - looked) * self.rate
            looked = now
            while made < due and (made < self.posts or not self.posts):
                self.log.add(made)
                made += 1

    def floor(self) -> int:
        """The index of the oldest event that a cursor brings."""
        oldest_us = int((time.time() - self.lookback_s) * 1e6)
        return bisect_left(self.events, oldest_us, key=lambda event: event.time_us)

    def _asked(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request.path)
        status = self.faults.refuse or (
            self.faults.refuse_v2 if request.path.startswith(V2_PATH) else 0
        )
        if status:
            return connection.respond(HTTPStatus(status), "told to refuse\n")
        try:
            plan_of(request, self.events, self.floor())
        except Refusal as refusal:
            return _response(refusal)
        if request.path.startswith(V2_PATH):  # handler: v2 never negotiates deflate
            with suppress(KeyError):
                del request.headers["Sec-WebSocket-Extensions"]
        return None

    def _subscribed(self, connection: ServerConnection) -> None:
        self.connections += 1
        assert connection.request is not None
        plan = plan_of(connection.request, self.events, self.floor())
        if plan.new:
            threading.Thread(target=_only_listens, args=(connection,), daemon=True).start()
        with suppress(ConnectionClosed):
            if plan.notice:
                connection.send(plan.notice)
            self._send(connection, plan)
            connection.close(1001, "server shutting down")  # handler: StatusGoingAway

    def _send(self, connection: ServerConnection, plan: Plan) -> None:
        """The log from where the plan begins, and what is added."""
        sent, at = 0, plan.at
        while not self._ended.is_set():
            for event in self.events[at:]:
                at += 1
                frame = plan.frame(event)
                if not frame:
                    continue
                faults = self.faults
                sent += 1
                if faults.silent_after and sent > faults.silent_after:
                    self._ended.wait()
                    return
                if faults.bad_every and sent % faults.bad_every == 0:
                    connection.send(frame[: len(frame) // 2])
                connection.send(frame)
                if faults.repeat_every and sent % faults.repeat_every == 0:
                    connection.send(frame)
                # docs 5.2: closes right after it
                if plan.new and faults.error_after and sent >= faults.error_after:
                    connection.send(
                        json.dumps(
                            {"$type": "error", "error": "ConsumerTooSlow", "message": "told to"}
                        )
                    )
                    connection.close()
                    return
                if faults.drop_after and sent >= faults.drop_after:
                    connection.socket.close()
                    return
            self._ended.wait(TICK_S)


def _only_listens(connection: ServerConnection) -> None:
    """handler: v2 is server-push only, any data of the client's ends the connection with 1008."""
    with suppress(ConnectionClosed):
        connection.recv()
        connection.close(1008, "unexpected data frame")


def _subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """handler: v2 answers the very token, v1 none; a client that offers others gets the same
    framing."""
    new = connection.request is not None and connection.request.path.startswith(V2_PATH)
    token = Subprotocol("xrpc.v1.json")
    return token if new and token in (offered or ()) else None


def _response(refusal: Refusal) -> Response:
    headers = Headers(
        {
            "Content-Type": refusal.kind,
            "Content-Length": str(len(refusal.body)),
            "Connection": "close",
        }
    )
    return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, refusal.body)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m local.stub_servers.jetstream",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--port", type=int, default=6008)
    parser.add_argument("--rate", type=float, default=50.0, help="events per second (default 50)")
    parser.add_argument(
        "--posts",
        type=int,
        default=0,
        help="stop making events after this number; 0 is without end",
    )
    for fault in ("drop-after", "silent-after", "bad-every", "repeat-every", "error-after"):
        parser.add_argument(
            f"--{fault}",
            type=int,
            default=0,
            help="counted in a connection's frames; 0 is never",
        )
    parser.add_argument(
        "--refuse", type=int, default=0, help="answer every connection with this HTTP status"
    )
    parser.add_argument(
        "--refuse-v2",
        type=int,
        default=0,
        help="answer every connection over v2 with this HTTP status",
    )
    chosen = parser.parse_args()
    faults = Faults(
        chosen.drop_after,
        chosen.silent_after,
        chosen.bad_every,
        chosen.repeat_every,
        chosen.error_after,
        chosen.refuse,
        chosen.refuse_v2,
    )
    with Jetstream(chosen.port, chosen.rate, chosen.posts, faults=faults) as stub:
        print(f"jetstream stub: {stub.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
