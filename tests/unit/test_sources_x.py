"""The stream and the search of X against the stub that speaks their wire: every fault X is known for, one test each."""

import json
import math
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from config.errors import ConfigError, CredentialsError, PipelineError, QuotaExceeded, ServiceUnreachable
from producer.sources import Record, Records, State, x_stream
from producer.sources.x_ids import id_at
from producer.sources.x_purse import Prices, Purse
from producer.sources.x_query import query
from producer.sources.x_reconnects import LIMITED, NETWORK, SERVER, Reconnects
from producer.sources.x_rules import OURS, wanted
from producer.sources.x_search import tweets as search
from producer.sources.x_wire import Account
from scripts.stubs.x import TOKEN, XStub
from tests.conftest import wait_until

BASE = id_at(time.time() - 7_200)
STREAM, RULES, SEARCH = "/search/stream", "/stream/rules", "/search/recent"


class Try:
    """A stub, a source that reads it without waiting, and what the source said meanwhile."""

    def __init__(self, x: XStub, silence_s: float = 5.0, **limits: Any) -> None:
        self.x, self.state, self.pauses, self.said = x, State(), [], []  # type: ignore[var-annotated]
        self.account = Account(TOKEN, x.url, self._pause, silence_s)
        self.purse = Purse(self.state, Prices(), **limits)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.said.append(self.state.now)

    def stream(self, track: str = "coffee", position: str = "", replace: bool = False) -> Records:
        return x_stream.tweets(self.account, wanted(track, ""), replace, self.purse, self.state, position)

    def search(self, text: str = "coffee", position: str = "", adaptive: bool = False, until: str = "") -> Records:
        return search(self.account, query(text, "", "", until, 0), 1.0, adaptive, self.purse, self.state, position)


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[XStub]:
    monkeypatch.setattr(x_stream, "FILL_AFTER_S", 0.0)
    with XStub() as stub:
        yield stub


def ids(records: list[Record]) -> list[str]:
    return [record.id or "" for record in records]


def of(posts: list[dict[str, Any]]) -> list[str]:
    return [post["data"]["id"] for post in posts]


def until_all(source: Records, posts: list[dict[str, Any]]) -> list[Record]:
    """Read until every one of these posts has come."""
    missing, read = set(of(posts)), []
    for record in source:
        read.append(record)
        missing.discard(record.id or "")
        if not missing:
            return read
    pytest.fail(f"the source ended without {missing}")


def test_stream_gives_the_bytes_of_each_line(x: XStub) -> None:
    posts, run = x.world.invent(300), Try(x)
    records = list(islice(run.stream(), 300))
    assert ids(records) == of(posts)
    wait_until(lambda: {record.id: record.value for record in records} == x.delivered, 10, "X says that it has sent these")
    assert [record.position for record in records] == of(posts)
    assert "note_tweet" in x.queries(STREAM)[0]["tweet.fields"]
    assert x.queries(STREAM)[0]["expansions"] == "author_id,geo.place_id"
    assert (run.state.now, run.state.bought) == ("connected", 300)


@pytest.mark.parametrize(
    ("kind", "rule", "words"),
    [
        ("close", NETWORK, "closed the stream"),
        ("reset", NETWORK, "broken off"),
        ("silence", NETWORK, "silent for 0 s"),
        ("notice", NETWORK, "operational-disconnect"),
        ("503", SERVER, "503, connecting again in 5 s"),
        ("429", LIMITED, "429, connecting again in 60 s"),
        ("too_many_connections", LIMITED, "TooManyConnections"),
    ],
)
def test_stream_connects_again_by_rule_and_fills_the_gap(x: XStub, kind: str, rule: Any, words: str) -> None:
    run = Try(x, silence_s=0.4)
    source = run.stream()
    if kind[0].isdigit() or kind == "too_many_connections":
        x.fault("close", after=20)
    first = x.world.invent(20)
    x.fault(kind, after=20)
    missed: list[dict[str, Any]] = []
    run.account.pause = lambda s: (run._pause(s), missed.extend(x.world.invent(30)))  # type: ignore[assignment, func-returns-value]
    read = list(islice(source, 20))
    read += until_all(source, missed or first) if missed else list(islice(source, 30))
    while set(of(missed)) - set(ids(read)):
        read.append(next(source))
    assert sorted(ids(read)) == sorted(of(first) + of(missed)), "each once"
    assert rule.pause_s(0) in run.pauses
    assert any(words in said for said in run.said), run.said
    assert run.state.backfilled == len(missed)
    assert run.state.reconnects == len(run.pauses)
    assert all(not record.position for record in read[20:]), "no position while the gap is open"
    later = x.world.invent(5)
    assert until_all(source, later)[-1].position == later[-1]["data"]["id"]


def test_stream_waits_as_long_as_x_says(x: XStub) -> None:
    x.fault("429_reset")
    x.world.invent(1)
    run = Try(x)
    next(run.stream())
    assert 1 <= run.pauses[0] <= 3


@pytest.mark.parametrize("kind", ["broken_json", "missing_tag", "new_names", "duplicate", "disorder", "burst"])
def test_stream_survives_what_x_sends(x: XStub, kind: str) -> None:
    x.fault(kind, after=5)
    first, run = x.world.invent(5), Try(x)
    source = run.stream()
    read = list(islice(source, 5))
    if kind == "broken_json":
        read.append(next(source))
        assert read[-1] == Record(None, b'{"data":{"id":"17\xff')
    if kind == "burst":
        read += list(islice(source, 2_000))
    more = x.world.invent(10)
    read += list(islice(source, 10))
    assert set(ids(read)) >= set(of(first + more))
    wait_until(lambda: {r.id: r.value for r in read if r.id} == x.delivered, 10, "X says that it has sent these")
    repeats = 10 if kind == "duplicate" else 0
    wait_until(lambda: run.state.repeats == repeats, 5, f"{repeats} repeats were dropped")
    assert read[-1].position == more[-1]["data"]["id"]
    assert run.pauses == []


def test_stream_adds_its_rules_again_when_somebody_deletes_them(x: XStub) -> None:
    x.fault("409")
    x.world.invent(1)
    run = Try(x)
    next(run.stream())
    assert "409, X has no rules" in run.said[0]
    x.fault("409", times=2)
    with pytest.raises(ConfigError, match="no rules"):
        next(Try(x).stream())


def test_stream_after_a_restart_fetches_what_it_missed(x: XStub) -> None:
    first, source = x.world.invent(5), Try(x).stream()
    position = list(islice(source, 5))[-1].position
    source.close()  # type: ignore[attr-defined]
    x.ended.wait(0.5)  # the stub notices at its next sign of life
    missed, run = x.world.invent(150), Try(x)
    read = until_all(run.stream(position=position), first + missed)
    assert set(ids(read)) == set(of(first + missed)), "those of the last seconds come again"
    assert run.state.backfilled == 155
    assert json.loads(read[0].value or b"")["matching_rules"][0]["tag"] == OURS + "coffee"


def test_stream_gives_up_in_the_end(x: XStub, monkeypatch: pytest.MonkeyPatch) -> None:
    x.world.rules = [{"id": "1", "value": "coffee", "tag": OURS + "coffee"}]
    now = [0.0]
    monkeypatch.setattr(x_stream, "Reconnects", lambda: Reconnects(lambda: now[0]))
    run = Try(x)
    run.account.pause = lambda s: (run._pause(s), now.__setitem__(0, now[0] + s))  # type: ignore[assignment, func-returns-value]
    x.fault("503", times=100)
    with pytest.raises(ServiceUnreachable, match="503"):
        next(run.stream())
    assert run.pauses[:8] == [5, 10, 20, 40, 80, 160, 320, 320]
    assert sum(run.pauses) > 1800


@pytest.mark.parametrize("limits", [{"max_posts": 7}, {"max_usd": 7 * 0.015}])
def test_stream_stops_at_its_limit_and_hands_over_all_it_bought(x: XStub, limits: dict[str, float]) -> None:
    x.world.say(*[post(n) for n in range(1, 100)])
    run = Try(x, **limits)
    assert len(list(run.stream())) == run.state.bought == 7
    assert math.isclose(run.state.cost_usd, 7 * 0.015)
    assert run.state.now == "the limit is reached"


def post(number: int, likes: int = 0, author: str = "") -> dict[str, Any]:
    """An invented post with an author of its own, a second after the one before."""
    id, author = str(BASE + (number * 1_000 << 22)), author or str(number)
    data = {"id": id, "text": f"invented {number} ☕", "author_id": author, "public_metrics": {"like_count": likes}}
    return {"data": data, "includes": {"users": [{"id": author, "username": f"invented_{author}"}]}, "matching_rules": []}


def test_search_reads_each_post_once_over_pages_and_polls(x: XStub) -> None:
    x.page_size = 2
    x.world.say(*[post(n, author=str(n % 2)) for n in range(1, 6)])
    run = Try(x)
    source = run.search()
    first = list(islice(source, 5))
    x.world.say(post(6), post(7), post(8))
    second = list(islice(source, 3))
    assert ids(first) == of([post(n) for n in (5, 4, 3, 2, 1)])
    assert [record.position for record in first] == ["", "", "", "", post(5)["data"]["id"]], "the whole search, or nothing"
    assert ids(second) == of([post(n) for n in (8, 7, 6)])
    assert [asked.get("since_id") for asked in x.queries(SEARCH)] == [None, None, None, *[first[-1].position] * 2]
    assert [json.loads(record.value or b"") for record in first[::-1]] == x.world.posts[:5]


def test_search_goes_on_where_it_was(x: XStub) -> None:
    x.world.say(*[post(n) for n in range(1, 6)])
    assert ids(list(islice(Try(x).search(position=post(3)["data"]["id"]), 2))) == of([post(5), post(4)])
    x.requests.clear()
    assert len(list(islice(Try(x).search(position="17"), 5))) == 5, "older than X's search reaches back"
    assert "since_id" not in x.queries(SEARCH)[0]


def test_search_with_an_end_ends(x: XStub) -> None:
    x.world.say(*[post(n) for n in range(1, 6)])
    assert len(list(Try(x).search(until="30m"))) == 5
    assert x.queries(SEARCH)[0]["end_time"].endswith("Z")


def test_adaptive_search_has_the_most_liked_first(x: XStub) -> None:
    x.world.say(*[post(n, likes=n * n) for n in range(1, 121)])
    run = Try(x, max_posts=40)
    read = list(run.search(adaptive=True, until="1m"))
    assert ids(read)[:21] == of([post(n) for n in range(120, 99, -1)])
    assert "min_likes:100000" in x.queries(SEARCH)[0]["query"]
    assert 40 <= len(set(ids(read))) == run.state.bought < 50, "X's smallest page is of 10"


@pytest.mark.parametrize(("max_usd", "bought"), [(0.10, 0), (0.15, 10), (1.0, 66), (5.0, 150)])
def test_search_buys_no_more_than_it_may(x: XStub, max_usd: float, bought: int) -> None:
    x.world.say(*[post(n) for n in range(1, 151)])
    run = Try(x, max_usd=max_usd)
    read = list(run.search(until="1m"))
    assert len(read) == run.state.bought == bought
    assert run.state.cost_usd <= max_usd + 1e-9


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", CredentialsError),
        ("403", CredentialsError),
        ("402", QuotaExceeded),
        ("usage_capped", QuotaExceeded),
    ],
)
@pytest.mark.parametrize("path", [RULES, STREAM, SEARCH])
def test_refusals_end_with_their_reason(x: XStub, path: str, kind: str, error: type[PipelineError]) -> None:
    x.fault(kind, path=path)
    run = Try(x)
    with pytest.raises(error, match="X (refuses|forbids|says)") as raised:
        next(run.search() if path == SEARCH else run.stream())
    assert "\x1b" not in str(raised.value)
    assert raised.value.remedy


def test_search_waits_out_limits_and_outages(x: XStub) -> None:
    x.world.say(post(1))
    for kind in ("429", "503", "429_reset"):
        x.fault(kind, path=SEARCH)
    run = Try(x)
    next(run.search())
    assert run.pauses[:2] == [60, 2]
    assert 1 <= run.pauses[2] <= 3


def test_nobody_there() -> None:
    for source in ("search", "stream"):
        run = Try(XStub())
        run.account = Account(TOKEN, "http://127.0.0.1:9", run._pause)
        with pytest.raises(ServiceUnreachable):
            next(getattr(run, source)())
        assert run.pauses == [1, 2, 4, 8]


@pytest.mark.parametrize("token", ["", "with space", "line\nend", "ünicode"])
def test_unusable_token(token: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        Account(token, "https://api.twitter.com")
    assert not token or token not in str(raised.value)


def test_token_travels_encrypted_or_stays_here() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        Account(TOKEN, "http://x.example.org")
