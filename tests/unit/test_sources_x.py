"""The stream of X against the stub that speaks its wire: every fault X is known for, one test each; refusals of all of X."""

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from config.errors import ConfigError, CredentialsError, PipelineError, QuotaExceeded, ServiceUnreachable
from producer.sources import Record, Records, x_stream
from producer.sources.x_reconnects import LIMITED, NETWORK, SERVER, Reconnects
from producer.sources.x_rules import OURS
from producer.sources.x_wire import Account
from scripts.stubs.x import TOKEN, XStub
from tests.conftest import wait_until
from tests.unit.x_tries import RULES, SEARCH, STREAM, Try, ids, of, post


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[XStub]:
    monkeypatch.setattr(x_stream, "FILL_AFTER_S", 0.0)
    with XStub() as stub:
        yield stub


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
