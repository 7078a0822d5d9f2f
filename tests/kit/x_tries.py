"""What the tests of X's stream and of its search share: invented posts, and a source that reads the
stub without waiting."""

import time
from typing import Any

import pytest

from local.stub_servers.x import TOKEN, XStub
from producer.sources import Record, Records, State
from producer.sources.x import following
from producer.sources.x.ids import id_at
from producer.sources.x.kept import Kept
from producer.sources.x.purse import Prices, Purse
from producer.sources.x.query import query
from producer.sources.x.rules import wanted
from producer.sources.x.sweeps import tweets as search
from producer.sources.x.wire import Account

BASE = id_at(time.time() - 7_200)
PRICES = Prices(post=0.005, user=0.010, count=0.005)  # USD
STREAM, RULES, SEARCH = "/search/stream", "/stream/rules", "/search/recent"


class Try:
    """A stub, a source that reads it, X's clock going on by each pause instead of waiting, and what
    the source said meanwhile."""

    def __init__(self, x: XStub, silence_s: float = 5.0, **limits: Any) -> None:
        self.x, self.state, self.pauses, self.said = x, State(), [], []  # type: ignore[var-annotated]
        self.account = Account(TOKEN, x.url, self._pause, silence_s)
        self.account.now = x.world.now  # type: ignore[method-assign] # both see the same clock, however fast it is
        self.purse = Purse(self.state, PRICES, now=self.account.now, **limits)

    def _pause(self, seconds: float) -> None:
        self.x.world.ahead_s += seconds
        self.pauses.append(seconds)
        self.said.append(self.state.now)

    def stream(
        self, track: str = "coffee", kept: Kept | None = None, longest_gap_s: float = 7 * 86_400
    ) -> Records:
        kept = kept or Kept()
        return following.tweets(
            self.account, wanted(track, ""), False, self.purse, self.state, kept, longest_gap_s
        )

    def search(
        self, text: str = "coffee", position: str = "", adaptive: bool = False, until: str = ""
    ) -> Records:
        kept = Kept(position=position)
        return search(
            self.account, query(text, "", "", until, 0), 1.0, adaptive, self.purse, self.state, kept
        )


def ids(records: list[Record]) -> list[str]:
    return [record.id or "" for record in records]


def places(records: list[Record]) -> list[str]:
    """The positions, in order."""
    return [record.position for record in records]


def of(posts: list[dict[str, Any]]) -> list[str]:
    return [post["data"]["id"] for post in posts]


def post(number: int, likes: int = 0, author: str = "") -> dict[str, Any]:
    """An invented post with an author of its own, a second after the one before."""
    id, author = str(BASE + (number * 1_000 << 22)), author or str(number)
    data = {
        "id": id,
        "text": f"invented {number} ☕",
        "author_id": author,
        "public_metrics": {"like_count": likes},
    }
    return {
        "data": data,
        "includes": {"users": [{"id": author, "username": f"invented_{author}"}]},
        "matching_rules": [],
    }


def until_all(source: Records, posts: list[dict[str, Any]]) -> list[Record]:
    """Read until every one of these posts has come."""
    missing, read = set(of(posts)), []
    for record in source:
        read.append(record)
        missing.discard(record.id or "")
        if not missing:
            return read
    pytest.fail(f"the source ended without {missing}")
