"""The invented events that the stand-in for Jetstream has to tell, each in the form of both
wires."""

import json
import random
import time
from datetime import datetime, timezone
from typing import Any, NamedTuple

POSTS, LIKES = "app.bsky.feed.post", "app.bsky.feed.like"
NSID = "network.bsky.jetstream.subscribeEvents"
WORDS = [
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
]
STATUSES = ("deleted", "takendown", "deactivated", "suspended")


class Event(NamedTuple):
    """One event; `old` is v1's frame, empty where v1 has none, `new` is v2's. `key` is as the
    producer gives it."""

    seq: int
    time_us: int
    kind: str  # commit, account, identity, sync
    collection: str
    key: str
    deletes: bool
    old: str
    new: str


class Log:
    """All events so far, in order: those of one server, numbered from 1.

    Of 100 events 5 delete the post before, 10 are likes; 2 are an account's (one of them its end),
    2 an identity's, 2 are syncs.
    """

    def __init__(self, seed: int) -> None:
        self.events: list[Event] = []
        self._random = random.Random(seed)

    def add(self, number: int, time_us: int = 0) -> None:
        """Make the event of this number and append it; it is of now unless a time is given."""
        last = self.events[-1].time_us + 1 if self.events else 0
        time_us = max(time_us or time.time_ns() // 1000, last)
        marker = {25: "account", 30: "identity", 35: "sync"}.get(number % 50)
        if marker:
            self._append(marker, time_us, f"did:plc:invented{number % 97}", _marker(marker, number))
            return
        deletes = number % 20 == 19
        of = number - 1 if deletes else number
        commit: dict[str, Any] = {
            "rev": f"rev{number:010}",
            "operation": "delete" if deletes else "create",
        }
        commit |= {"collection": LIKES if number % 10 == 4 else POSTS, "rkey": f"3l{of:011}"}
        if not deletes:
            commit |= {
                "cid": f"bafyinvented{number}",
                "record": self._record(commit["collection"], number, time_us),
            }
        self._append("commit", time_us, f"did:plc:invented{of % 97}", commit)

    def _record(self, collection: str, number: int, time_us: int) -> dict[str, Any]:
        text = " ".join(self._random.choices(WORDS, k=self._random.randint(3, 30)))
        created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time_us / 1e6))
        languages = [["en"], ["ja", "en"], ["de-AT"], []][number % 4]
        return {
            "$type": collection,
            "text": f"Invented {number}: {text}",
            "createdAt": created,
            "langs": languages,
        }

    def _append(self, kind: str, time_us: int, did: str, about: dict[str, Any]) -> None:
        seq = len(self.events) + 1
        moment = (
            datetime.fromtimestamp(time_us / 1e6, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
            + f".{time_us % 10**6:06}Z"
        )
        if kind != "commit":
            about = {"did": did, **about}
        own = {"did": did, "time_us": time_us, "cursor": seq, "kind": kind, kind: about}
        payload = {
            "$type": f"{NSID}#{kind}",
            "seq": seq,
            "did": did,
            "time": moment,
            "witnessedAt": moment,
        }
        payload |= about if kind == "commit" else {kind: about}
        # docs/README.md 4.5: never on v1
        old = "" if kind == "sync" else json.dumps(own, ensure_ascii=False)
        new = json.dumps({"$type": "message", "payload": payload}, ensure_ascii=False)
        key = f"{did}/{about['rkey']}" if kind == "commit" else did
        deletes = about.get("operation") == "delete" or about.get("active") is False
        self.events.append(
            Event(seq, time_us, kind, about.get("collection", ""), key, deletes, old, new)
        )

    def published(self, wire: str) -> dict[str, list[str | None]]:
        """Per post's or account's key, its frames in order, None for its deletion: what a reader of
        all posts has to have."""
        found: dict[str, list[str | None]] = {}
        for event in list(self.events):
            if event.collection == POSTS or (event.kind == "account" and event.deletes):
                frame = event.new if wire == "v2" else event.old
                found.setdefault(event.key, []).append(None if event.deletes else frame)
        return found


def _marker(kind: str, number: int) -> dict[str, Any]:
    """What the upstream event of this kind says; its seq and time are the relay's (lexicon
    com.atproto.sync.subscribeRepos)."""
    about: dict[str, Any] = {"seq": number, "time": "2026-01-01T00:00:00.000Z"}
    if kind == "account":
        active = number % 100 == 25
        return (
            about
            | {"active": active}
            | ({} if active else {"status": STATUSES[number // 100 % len(STATUSES)]})
        )
    return about | (
        {"handle": f"invented{number}.example"}
        if kind == "identity"
        else {"rev": f"rev{number:010}"}
    )
