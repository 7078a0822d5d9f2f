#!/usr/bin/env python3
"""A stand-in for Bluesky's Jetstream, on 127.0.0.1: invented posts over its wire, for trying without the network and for tests.

    python -m scripts.stubs.jetstream --port 6008 --rate 50

It honours `wantedCollections` and `cursor`, and has every fault of the real one on demand. Posts begin with the start of the
program and are kept, so that a cursor finds them.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from config import venv

    venv.enter()

import argparse
import json
import random
import threading
import time
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

POSTS, LIKES = "app.bsky.feed.post", "app.bsky.feed.like"
WORDS = (
    "coffee",
    "rain",
    "train",
    "lovely",
    "awful",
    "quiet",
    "bright",
    "terrible",
    "soup",
    "bus",
    "happy",
    "late",
    "今日",
    "☕",
)
TICK_S = 0.02


@dataclass
class Faults:
    """What goes wrong, counted in frames of one connection; 0 is never. `refuse` is an HTTP status for every connection."""

    drop_after: int = 0
    silent_after: int = 0
    bad_every: int = 0
    repeat_every: int = 0
    refuse: int = 0


class Jetstream:
    """The server, with a log of events that grows by `rate` a second up to `posts` of them; 0 is without end.

    One event in 20 deletes the post before it, one in 10 is a like, one in 50 an account's. Attributes may change while it runs.
    """

    def __init__(self, port: int = 0, rate: float = 50.0, posts: int = 0, seed: int = 1, faults: Faults | None = None) -> None:
        self.rate, self.posts, self.faults = rate, posts, faults or Faults()
        self.events: list[tuple[int, str, str]] = []  # (time_us, collection, frame)
        self.connections = 0
        self._random, self._ended = random.Random(seed), threading.Event()
        self._server = serve(self._subscribed, "127.0.0.1", port, process_request=self._asked, compression=None)
        self.port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/subscribe"
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._server.serve_forever, self._grow)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Jetstream":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()

    def published(self) -> dict[str, list[str | None]]:
        """Per post's id, its frames in order, None for its deletion: what a reader of all posts has to have."""
        found: dict[str, list[str | None]] = {}
        for _, collection, frame in list(self.events):
            if collection == POSTS:
                event = json.loads(frame)
                deleted = event["commit"]["operation"] == "delete"
                found.setdefault(f"{event['did']}/{event['commit']['rkey']}", []).append(None if deleted else frame)
        return found

    def _grow(self) -> None:
        made, due, looked = 0, 0.0, time.monotonic()
        while not self._ended.wait(TICK_S):
            now = time.monotonic()
            due += (now - looked) * self.rate
            looked = now
            while made < due and (made < self.posts or not self.posts):
                self.add(made)
                made += 1

    def add(self, number: int) -> None:
        """Make the event of this number and put it in the log."""
        time_us = max(time.time_ns() // 1000, self.events[-1][0] + 1 if self.events else 0)
        event = {"did": f"did:plc:invented{number % 97}", "time_us": time_us, "kind": "commit"}
        deletes, collection = number % 20 == 19, LIKES if number % 10 == 4 else POSTS
        if number % 50 == 25:
            event |= {"kind": "account", "account": {"active": True, "did": event["did"], "seq": number}}
            self.events.append((time_us, "", json.dumps(event)))
            return
        of = number - 1 if deletes else number
        event["did"] = f"did:plc:invented{of % 97}"
        commit = {"rev": f"rev{number:010}", "operation": "delete" if deletes else "create", "collection": collection}
        commit["rkey"] = f"3l{of:011}"
        if not deletes:
            text = " ".join(self._random.choices(WORDS, k=self._random.randint(3, 30)))
            created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time_us / 1e6))
            languages = [["en"], ["ja", "en"], ["de-AT"], []][number % 4]
            commit |= {"cid": f"bafyinvented{number}"}
            commit |= {
                "record": {"$type": collection, "text": f"Invented {number}: {text}", "createdAt": created, "langs": languages}
            }
        self.events.append((time_us, collection, json.dumps(event | {"commit": commit}, ensure_ascii=False)))

    def _asked(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != "/subscribe":
            return connection.respond(HTTPStatus.NOT_FOUND, "subscribe at /subscribe\n")
        if self.faults.refuse:
            return connection.respond(HTTPStatus(self.faults.refuse), "told to refuse\n")
        return None

    def _subscribed(self, connection: ServerConnection) -> None:
        self.connections += 1
        asked = parse_qs(urlsplit(connection.request.path if connection.request else "").query)
        cursor = int(asked.get("cursor", ["0"])[0])
        at = bisect_left(self.events, (cursor,)) if cursor else len(self.events)
        with suppress(ConnectionClosed):
            self._send(connection, at, set(asked.get("wantedCollections", [])))

    def _send(self, connection: ServerConnection, at: int, collections: set[str]) -> None:
        """The log from there on, and what is added; accounts' events whatever the collections."""
        sent = 0
        while not self._ended.is_set():
            for _, collection, frame in self.events[at:]:
                at += 1
                if collection and collections and collection not in collections:
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
                if faults.drop_after and sent >= faults.drop_after:
                    connection.socket.close()
                    return
            self._ended.wait(TICK_S)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.stubs.jetstream", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=6008)
    parser.add_argument("--rate", type=float, default=50.0, help="events a second (default 50)")
    parser.add_argument("--posts", type=int, default=0, help="stop making events after so many; 0 is without end")
    for fault in ("drop-after", "silent-after", "bad-every", "repeat-every"):
        parser.add_argument(f"--{fault}", type=int, default=0, help="frames of a connection; 0 is never")
    parser.add_argument("--refuse", type=int, default=0, help="answer every connection with this HTTP status")
    chosen = parser.parse_args()
    faults = Faults(chosen.drop_after, chosen.silent_after, chosen.bad_every, chosen.repeat_every, chosen.refuse)
    with Jetstream(chosen.port, chosen.rate, chosen.posts, faults=faults) as stub:
        print(f"jetstream stub: {stub.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
