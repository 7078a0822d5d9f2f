"""The two wires of Bluesky's Jetstream: how to subscribe, and what a frame says. Neither needs a
key.

github.com/bluesky-social/jetstream documents both: v2 in its lexicon
`network.bsky.jetstream.subscribeEvents` and in 5.2 of docs/README.md, v1 (`/subscribe`) in 5.1. A
v2 cursor is a sequence number of one server, or a time; a v1 cursor is a time here.
"""

from datetime import datetime, timedelta, timezone
from typing import Annotated, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Meta, Struct
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from config.errors import ConfigError
from producer.sources import Record
from producer.sources.identity import account_gone

V2, V1 = "v2", "v1"
PATHS = {V2: "/xrpc/network.bsky.jetstream.subscribeEvents", V1: "/subscribe"}
POSTS = "app.bsky.feed.post"
OPEN_S = 10.0
# what the official clients take; a smaller wish would have the server leave events out
LARGEST_FRAME_BYTES = 32 * 1024 * 1024
# v1, the same host again: its events come in the same order, this is for its clock
SAME_BACK_US = 5_000_000
# another host sees each event at a time of its own; the one we left may have lagged by minutes
OTHER_BACK_US = 300_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
Moment = Annotated[datetime, Meta(tz=True)]


class Refused(Exception):
    """The server answers, and does not take the subscription: HTTP 4xx."""


class CursorTooOld(ConnectionError):
    """The server no longer has what follows the sequence number asked for (v2)."""


class Server(NamedTuple):
    """One endpoint; `wire` is v2 or v1."""

    address: str
    wire: str

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def __str__(self) -> str:
        return f"{self.host} ({self.wire})"


class Place(NamedTuple):
    """Where reading stands: behind an event of one host. As a position: its parts, separated by
    blanks.

    `wire` is v2 or v1, `seq` the host's number of the event (v2; 0 is none), `time_us` when the
    host saw it.
    """

    wire: str = ""
    seq: int = 0
    time_us: int = 0
    host: str = ""
    event: str = ""

    @classmethod
    def of(cls, position: str) -> "Place":
        """What cannot be understood is no place: then reading begins with what is new. Time, host
        and event alone are v1's."""
        parts = position.split(" ")
        if len(parts) == 3:
            parts = [V1, "0", *parts]
        if len(parts) == 5 and parts[0] in (V1, V2) and parts[1].isdigit() and parts[2].isdigit():
            return cls(parts[0], int(parts[1]), int(parts[2]), parts[3], parts[4])
        return cls()

    def __str__(self) -> str:
        return " ".join(map(str, self))

    def cursor(self, server: Server) -> int:
        """What to ask this server for: 0 for what is new, on v2 its own sequence number, otherwise
        a time."""
        if self.seq and self.wire == V2 and self.is_of(server):
            return self.seq
        back_us = SAME_BACK_US if server.wire == V1 and self.is_of(server) else OTHER_BACK_US
        return self.time_us and max(self.time_us - back_us, 1)

    def is_of(self, server: Server) -> bool:
        """Whether it is this server that has the event under that number and time."""
        return (self.wire, self.host) == (server.wire, server.host)


class Post(Struct):
    """What is looked at in a post; the rest is passed on unread."""

    text: str = ""
    langs: list[str] | None = None


class Event(NamedTuple):
    """One post or deletion. `name` is the same on every server; `seq` is that of the server that
    sent it, 0 on v1."""

    record: Record
    name: str
    seq: int
    time_us: int
    post: Post | None = None


class Notice(NamedTuple):
    """What the server says of the stream itself (v2)."""

    name: str
    message: str


class _AccountEvent(Struct):
    active: bool = True
    status: str | None = None
    seq: int = 0


class _PostCommit(Struct):
    rev: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: Post | None = None


class _Old(Struct):
    did: str = ""
    time_us: int = 0
    commit: _PostCommit | None = None
    account: _AccountEvent | None = None


class _NewPayload(_PostCommit):
    seq: int = 0
    did: str = ""
    time: Moment = EPOCH
    witnessedAt: Moment | None = None
    account: _AccountEvent | None = None
    name: str = ""
    message: str = ""


class _Frame(Struct):
    payload: _NewPayload | None = None
    error: str = ""
    message: str = ""


_decode_old, _decode_new = msgspec.json.Decoder(_Old).decode, msgspec.json.Decoder(_Frame).decode


def servers(urls: str) -> list[Server]:
    """The endpoints that `wss://HOST,wss://HOST/subscribe` means, v2 first; an address without a
    path is both of its host's.

    Raises ConfigError for what is not an address.
    """
    found = []
    for url in [url.strip().rstrip("/") for url in urls.split(",") if url.strip()] or [""]:
        parts = urlsplit(url)
        wires = [
            wire for wire, path in PATHS.items() if parts.path.endswith(path) or not parts.path
        ]
        if parts.scheme not in ("ws", "wss") or not parts.hostname or not wires:
            raise ConfigError(
                f"not an address of a Jetstream: {url!r}", "--jetstream-url", "give wss://HOST"
            )
        found += [Server(url if parts.path else url + PATHS[wire], wire) for wire in wires]
    return sorted(found, key=lambda server: server.wire != V2)


def subscribe(server: Server, cursor: int, deletions: bool) -> ClientConnection:
    """A subscription to posts, and with `deletions` to accounts, from the cursor on; from now on
    where it is 0.

    Raises Refused, CursorTooOld, OSError or WebSocketException.
    """
    kinds = ["commit", "account"] if deletions else ["commit"]
    parameters: dict[str, object] = (
        {"kinds": kinds, "collections": POSTS}
        if server.wire == V2
        else {"wantedCollections": POSTS}
    )
    if cursor:
        parameters["cursor"] = cursor
    local = urlsplit(server.address).hostname in ("127.0.0.1", "localhost", "::1")
    try:
        return connect(
            f"{server.address}?{urlencode(parameters, doseq=True)}",
            subprotocols=[Subprotocol("xrpc.v1.json")] if server.wire == V2 else None,
            compression=None,
            max_size=LARGEST_FRAME_BYTES,
            open_timeout=OPEN_S,
            close_timeout=1,
            proxy=None if local else True,
        )
    except InvalidStatus as error:
        status, body = error.response.status_code, bytes(error.response.body or b"")
        if b'"CursorTooOld"' in body:
            raise CursorTooOld from None
        if 400 <= status < 500:
            raise Refused(str(status)) from None
        raise


def event_of(frame: bytes, wire: str) -> Event | Notice | None:
    """The post, deletion or notice in a frame; None for any other event.

    Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for a frame that cannot be
    understood, and ConnectionError for the server's farewell (v2: it closes right after its error
    frame).
    """
    if wire == V1:
        old = _decode_old(frame)
        return _event(frame, old.did, old.commit, old.account, 0, max(old.time_us, 0))
    new = _decode_new(frame)
    if new.error:
        raise ConnectionError(f"{new.error}: {new.message}")
    payload = new.payload
    if payload is None:
        return None
    if payload.name:
        return Notice(payload.name, payload.message)
    time_us = ((payload.witnessedAt or payload.time) - EPOCH) // timedelta(microseconds=1)
    return _event(frame, payload.did, payload, payload.account, payload.seq, time_us)


def _event(
    frame: bytes,
    did: str,
    commit: _PostCommit | None,
    account: _AccountEvent | None,
    seq: int,
    time_us: int,
) -> Event | None:
    if account is not None:
        gone = account_gone(account.active, account.status)
        return (
            Event(Record(did, None), f"{did}/account/{account.seq}", seq, time_us)
            if did and gone
            else None
        )
    if commit is None or commit.collection != POSTS:
        return None
    key = f"{did}/{commit.rkey}" if did and commit.rkey else None
    deleted = commit.operation == "delete"
    record = Record(key, None if key and deleted else frame)
    return Event(
        record,
        f"{key}/{commit.rev or commit.operation}",
        seq,
        time_us,
        None if deleted else commit.record,
    )
