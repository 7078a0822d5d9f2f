"""The stream of X against the stub that speaks its wire: every fault X is known for, one test each;
refusals of all of X."""

import math
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from config.errors import (
    ConfigError,
    CredentialsError,
    PipelineError,
    QuotaExceeded,
    ServiceUnreachable,
)
from local.stub_servers.x import TOKEN, XStub
from producer.sources import Record, Records
from producer.sources.x import following
from producer.sources.x.reconnects import LIMITED, NETWORK, SERVER, Reconnects
from producer.sources.x.rules import OURS
from producer.sources.x.wire import Account
from tests.conftest import wait_until
from tests.kit.x_tries import RULES, SEARCH, STREAM, Try, ids, of, places, post, until_all


@pytest.fixture
def x() -> Iterator[XStub]:
    # the producer's waiting times are the real ones, on a clock that runs faster for both
    with XStub(pace=50) as stub:
        yield stub


def test_stream_gives_the_bytes_of_each_line(x: XStub) -> None:
    posts, run = x.world.invent(1), Try(x)
    source = run.stream()
    records = [next(source)]
    posts += x.world.invent(299)
    records += list(islice(source, 299))
    assert ids(records) == of(posts)
    wait_until(
        lambda: {record.id: record.value for record in records} == x.delivered,
        10,
        "X says that it has sent these",
    )
    assert places(records)[1:] == of(posts)[1:]
    assert "note_tweet" in x.queries(STREAM)[0]["tweet.fields"]
    assert x.queries(STREAM)[0]["expansions"] == "author_id,geo.place_id,referenced_tweets.id"
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
def test_stream_connects_again_by_rule_and_fills_the_gap(
    x: XStub, kind: str, rule: Any, words: str
) -> None:
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
    record = until_whole(x, source)
    assert record.position == record.id == x.world.posts[-1]["data"]["id"]


def until_whole(x: XStub, source: Records) -> Record:
    """The first record that no gap is open before: posts come one by one."""
    for _ in range(200):
        x.world.invent(1)
        record = next(source)
        if record.position:
            return record
    pytest.fail("the gap stays open")


def test_stream_waits_as_long_as_x_says(x: XStub) -> None:
    x.fault("429_reset")
    x.world.invent(1)
    run = Try(x)
    next(run.stream())
    assert 1 <= run.pauses[0] <= 3


@pytest.mark.parametrize(
    ("kind", "pause_s"), [("too_many_connections", 60), ("429_day", 1_200), ("429", 60)]
)
def test_a_limit_that_is_not_used_up_is_not_waited_for(x: XStub, kind: str, pause_s: float) -> None:
    """X sends the reset of the quarter of an hour with every answer; a day's limit has headers of
    its own."""
    x.fault(kind)
    x.world.invent(1)
    run = Try(x)
    next(run.stream())
    assert run.pauses[0] == pytest.approx(pause_s, abs=60)


@pytest.mark.parametrize("ahead_s", [-3 * 86_400, 3 * 86_400])
def test_a_pause_is_by_xs_clock_and_has_an_end(ahead_s: float) -> None:
    with XStub() as x:
        x.world.ahead_s = ahead_s
        x.fault("429_reset")
        x.world.invent(1)
        run = Try(x)
        run.account = Account(TOKEN, x.url, run._pause)
        next(run.stream())
        assert 1 <= run.pauses[0] <= 4


@pytest.mark.parametrize("path", [RULES, STREAM, SEARCH])
def test_a_redirect_is_named_and_gets_no_token(x: XStub, path: str) -> None:
    x.fault("redirect", path=path)
    run = Try(x)
    with pytest.raises(ConfigError, match="redirects to 127.0.0.9, which does not get the token"):
        next(run.search() if path == SEARCH else run.stream())


def test_maintenance_is_a_page_for_people(x: XStub) -> None:
    x.fault("close", after=1)
    x.fault("maintenance")
    x.world.invent(1)
    run = Try(x)
    source = run.stream()
    next(source)
    later = threading.Timer(0.5, x.world.invent, (1,))
    later.start()
    assert next(source).id == x.world.posts[1]["data"]["id"]
    assert "503, connecting again in 5 s" in run.said


@pytest.mark.parametrize(
    "kind",
    ["broken_json", "missing_tag", "new_names", "partial_errors", "duplicate", "disorder", "burst"],
)
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
    wait_until(
        lambda: {r.id: r.value for r in read if r.id} == x.delivered,
        10,
        "X says that it has sent these",
    )
    repeats = 10 if kind == "duplicate" else 0
    wait_until(lambda: run.state.repeats == repeats, 5, f"{repeats} repeats were dropped")
    assert places(read)[-1] == more[-1]["data"]["id"]
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


@pytest.mark.parametrize("geo", [None, 7, {"place_id": 7}])
def test_a_post_of_an_odd_form_is_handed_over(x: XStub, geo: Any) -> None:
    odd = post(1)
    odd["data"]["geo"] = geo
    x.world.say(odd)
    assert ids([next(Try(x).search())]) == of([odd])


def test_a_stream_that_has_worked_is_waited_for_without_end(x: XStub) -> None:
    x.fault("close", after=1)
    x.fault("503", times=30)
    x.world.invent(1)
    run = Try(x)
    source = run.stream()
    next(source)
    missed: list[dict[str, Any]] = []
    pause = run._pause
    run.account.pause = lambda s: (pause(s), missed or missed.extend(x.world.invent(1)))  # type: ignore[assignment, func-returns-value, return-value]
    read = next(source)
    assert read.id == missed[0]["data"]["id"]
    assert sum(run.pauses) > 2 * 1800


def test_stream_gives_up_in_the_end(x: XStub, monkeypatch: pytest.MonkeyPatch) -> None:
    x.world.rules = [{"id": "1", "value": "coffee", "tag": OURS + "coffee"}]
    now = [0.0]
    monkeypatch.setattr(following, "Reconnects", lambda: Reconnects(lambda: now[0]))
    run = Try(x)
    run.account.pause = lambda s: (run._pause(s), now.__setitem__(0, now[0] + s))  # type: ignore[assignment, func-returns-value]
    x.fault("503", times=100)
    with pytest.raises(ServiceUnreachable, match="503"):
        next(run.stream())
    assert run.pauses[:8] == [5, 10, 20, 40, 80, 160, 320, 320]
    assert sum(run.pauses) > 1800


@pytest.mark.parametrize("limits", [{"max_posts": 7}, {"max_usd": 7 * 0.015 + 0.01}])
def test_stream_stops_at_its_limit_and_hands_over_all_it_bought(
    x: XStub, limits: dict[str, float]
) -> None:
    x.world.say(*[post(n) for n in range(1, 100)])
    run = Try(x, **limits)
    assert len(list(run.stream())) == run.state.bought == 7
    assert math.isclose(run.state.cost_usd, 7 * 0.015)
    assert run.state.now == "the limit is reached"


def test_not_even_a_connection_is_opened_for_a_post_that_cannot_be_paid(x: XStub) -> None:
    assert list(Try(x, max_usd=0.02).stream()) == []
    assert not x.requests


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
def test_refusals_end_with_their_reason(
    x: XStub, path: str, kind: str, error: type[PipelineError]
) -> None:
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
        assert run.pauses == [1, 2, 4, 8], source
