"""What the stand-in for Jetstream takes and what it refuses, before it sends the first event; the
sources are in jetstream.py."""

import json
import re
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

from local.stub_servers.jetstream_log import NSID, Event

V1_PATH, V2_PATH = "/subscribe", f"/xrpc/{NSID}"
SEQ_BELOW = 10**15  # cursor: CursorSeqMaxThreshold; from here on it is a time in microseconds
KINDS = ("commit", "identity", "account", "sync")
NAME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+\.[a-zA-Z][a-zA-Z0-9]*")


class Refusal(Exception):
    """An answer before the upgrade: plain text on v1, an error in JSON on v2 (handler:
    httpError)."""

    def __init__(self, new: bool, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status, self.kind = status, "application/json" if new else "text/plain"
        self.body = (
            json.dumps({"error": name, "message": message}) if new else message + "\n"
        ).encode()


@dataclass
class Plan:
    """What a connection gets: events from index `at` on, of these kinds and collections (empty:
    all), after a notice."""

    new: bool
    at: int
    kinds: list[str] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    largest_bytes: int = 0
    notice: str = ""

    def frame(self, event: Event) -> str:
        """The event as this connection gets it; empty where it gets none. Only commits are filtered
        by collection (docs 4.5)."""
        frame = event.new if self.new else event.old
        wanted = not self.kinds or event.kind in self.kinds
        if self.collections and event.kind == "commit":
            wanted &= any(_matches(pattern, event.collection) for pattern in self.collections)
        too_large = self.largest_bytes and len(frame.encode()) > self.largest_bytes
        return frame if wanted and not too_large else ""


def _matches(pattern: str, collection: str) -> bool:
    return collection.startswith(pattern[:-1]) if pattern.endswith(".*") else collection == pattern


def plan_of(request: Request, events: list[Event], floor: int) -> Plan:
    """What this request gets; `floor` is the index of the oldest event that a cursor brings. Raises
    Refusal."""
    parts = urlsplit(request.path)
    asked = parse_qs(parts.query, keep_blank_values=True)
    new = parts.path == V2_PATH
    if parts.path not in (V1_PATH, V2_PATH):
        raise Refusal(False, "", "no such path", 404)
    if new:
        _check_new(request, asked)
    elif asked.get("compress") == ["true"]:
        raise Refusal(False, "", "this stand-in has no zstd", 501)
    collections = asked.get("collections" if new else "wantedCollections", [])
    if len(collections) > 100:  # lexicon: maxLength; filter: MaxWantedCollections
        raise Refusal(new, "InvalidRequest", f"too many collections: {len(collections)} > 100")
    for name in collections:
        if not NAME.fullmatch(name.removesuffix(".*") + (".x" if name.endswith(".*") else "")):
            raise Refusal(new, "InvalidRequest", f"invalid collection: {name}")
    at, notice = _begin(new, asked.get("cursor", [""])[0], events, floor)
    largest = asked.get("maxMessageSizeBytes", ["0"])[0]  # filter: what is no number is no limit
    return Plan(
        new,
        at,
        asked.get("kinds", []),
        collections,
        int(largest) if largest.isdigit() else 0,
        notice,
    )


def _check_new(request: Request, asked: dict[str, list[str]]) -> None:
    for old, instead in {
        "wantedDids": "dids",
        "wantedCollections": "collections",
        "requireHello": "nothing",
    }.items():
        if old in asked:  # filterv2: ParseQueryV2
            raise Refusal(
                True, "InvalidRequest", f"{old} is the legacy /subscribe parameter; use {instead}"
            )
    # handler: serve
    if asked.get("compress") == ["true"] or "zstd" in request.headers.get("Socket-Encoding", ""):
        raise Refusal(True, "InvalidRequest", "compress=true is the /subscribe (v1) opt-in")
    if "zstdDictionary" in asked:
        raise Refusal(
            True, "UnknownZstdDictionary", "unknown zstd dictionary id; this stand-in has none"
        )
    kinds = asked.get("kinds", [])
    for kind in kinds:  # filterv2: parseKinds
        if kind not in KINDS or len(kinds) > len(KINDS):
            raise Refusal(True, "InvalidRequest", f"unknown kind {kind!r}, or too many")
    if asked.get("collections") and kinds and "commit" not in kinds:
        raise Refusal(
            True, "InvalidRequest", "collections filter can never apply: kinds excludes commit"
        )


def _begin(new: bool, cursor: str, events: list[Event], floor: int) -> tuple[int, str]:
    """(index of the first event, notice) for a cursor (docs 5.1; cursor: ResolveCursor)."""
    if not cursor:
        return len(events), ""
    if not cursor.isdigit():
        raise Refusal(new, "InvalidRequest", f"invalid cursor: {cursor!r}")
    number = int(cursor)
    if number >= SEQ_BELOW:
        if number > time.time_ns() // 1000:
            return len(events), ""
        at = bisect_left(events, number, key=lambda event: event.time_us)
        clamped = at < floor or bool(events and number < events[0].time_us)
        words = (
            "requested timestamp cursor below retention floor; starting at seq "
            f"{max(at, floor) + 1}"
        )
        return max(at, floor), _info("OutdatedCursor", words) if new and clamped else ""
    first = events[0].seq if events else 1
    at = number - first
    if at > len(events):
        return len(events), _info(
            "FutureCursor", f"requested seq cursor {number} is beyond the next seq"
        ) if new else ""
    if at < floor and new:
        raise Refusal(
            True,
            "CursorTooOld",
            f"cursor {number} is below the floor; the floor seq is {floor + first}",
        )
    return max(at, floor), ""


def _info(name: str, message: str) -> str:
    return json.dumps(
        {"$type": "message", "payload": {"$type": f"{NSID}#info", "name": name, "message": message}}
    )
