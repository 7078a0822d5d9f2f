"""The recent search of X against the stub that speaks its wire: pages, polls, limits and outages."""

import json
from collections.abc import Iterator
from itertools import islice

import pytest

from scripts.stubs.x import XStub
from tests.unit.x_tries import SEARCH, Try, ids, of, post


@pytest.fixture
def x() -> Iterator[XStub]:
    with XStub() as stub:
        yield stub


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


def test_search_waits_out_limits_and_outages(x: XStub) -> None:
    x.world.say(post(1))
    for kind in ("429", "503", "429_reset"):
        x.fault(kind, path=SEARCH)
    run = Try(x)
    next(run.search())
    assert run.pauses[:2] == [60, 2]
    assert 1 <= run.pauses[2] <= 3
