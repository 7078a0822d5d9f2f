"""The recent search of X against the stub that speaks its wire: pages, polls, limits and
outages."""

import json
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from local.stub_servers.x import XStub
from producer.sources.x.ids import SEARCHABLE_S, id_at
from producer.sources.x.kept import Kept
from producer.sources.x.query import query
from producer.sources.x.sweeps import tweets as search
from tests.kit.x_tries import SEARCH, Try, ids, of, places, post


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
    newest = post(5)["data"]["id"]
    partial = [f"{newest} {id} 0" for id in of([post(n) for n in (5, 4, 3, 2)])]
    assert places(first) == [*partial, newest], "how far it has come, then the whole search"
    assert ids(second) == of([post(n) for n in (8, 7, 6)])
    assert [asked.get("since_id") for asked in x.queries(SEARCH)] == [
        None,
        None,
        None,
        newest,
        newest,
    ]
    assert [json.loads(record.value or b"") for record in first[::-1]] == x.world.posts[:5]


def test_search_goes_on_where_it_was(x: XStub) -> None:
    x.world.say(*[post(n) for n in range(1, 6)])
    assert ids(list(islice(Try(x).search(position=post(3)["data"]["id"]), 2))) == of(
        [post(5), post(4)]
    )
    x.requests.clear()
    assert len(list(islice(Try(x).search(position="17"), 5))) == 5, (
        "older than X's search reaches back"
    )
    assert int(x.queries(SEARCH)[0]["since_id"]) == pytest.approx(
        id_at(x.world.now() - SEARCHABLE_S), abs=10_000 << 22
    )


def test_search_asks_for_ids_or_for_times_never_for_both(x: XStub) -> None:
    """X refuses since_id beside end_time; a search with an end has both once it has found
    something."""
    x.world.say(*[post(n) for n in range(1, 6)])
    read = list(Try(x).search(position=post(2)["data"]["id"], until="30m"))
    assert ids(read) == of([post(n) for n in (5, 4, 3)])
    assert set(x.queries(SEARCH)[0]) >= {"since_id", "until_id"}


def test_a_search_that_begins_a_week_ago_goes_on(x: XStub) -> None:
    run = Try(x)
    a_week_ago = query(
        "coffee",
        "",
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - SEARCHABLE_S + 30)),
        "",
        0,
    )
    source = search(run.account, a_week_ago, 60.0, False, run.purse, run.state, Kept())
    x.world.ahead_s += 300
    x.world.say(post(1))
    assert next(source).id == post(1)["data"]["id"]


@pytest.mark.parametrize("limit", [3, 7, 10, 25])
def test_a_search_with_a_limit_goes_on_where_it_was(x: XStub, limit: int) -> None:
    """Run after run, without a gap and without a post twice, while new ones come."""
    x.page_size, position, read = 10, "", []
    x.world.say(*[post(n) for n in range(1, 41)])
    for turn in range(12):
        found = list(islice(Try(x, max_posts=limit).search(position=position, until="1m"), limit))
        position = places(found)[-1] if found else position
        read += ids(found)
        if turn < 3:
            x.world.say(post(41 + turn))
    missing = set(of(x.world.posts)) - set(read)
    assert len(read) == len(set(read)), "none twice"
    assert len(read) == min(12 * limit, 43)
    assert not missing or limit == 3


def test_search_ends_with_all_that_was_posted_before_its_end(x: XStub) -> None:
    """X shows what is 30 s old: the last search is made when it can know all."""
    run = Try(x)
    until = time.gmtime(x.world.now() + 5)
    wanted = query("coffee", "", "", time.strftime("%Y-%m-%dT%H:%M:%SZ", until), 0)
    source = search(run.account, wanted, 10.0, False, run.purse, run.state, Kept())
    posts = x.world.invent(3)
    x.world.ahead_s += 6
    late = x.world.invent(2)
    assert sorted(ids(list(source))) == of(posts)
    assert not set(of(late)) & set(ids(list(source)))


def test_search_with_an_end_ends(x: XStub) -> None:
    x.world.say(*[post(n) for n in range(1, 6)])
    assert len(list(Try(x).search(until="30m"))) == 5
    assert int(x.queries(SEARCH)[0]["until_id"]) == pytest.approx(
        id_at(x.world.now() - 1_800), abs=30_000 << 22
    )


def test_adaptive_search_has_the_most_liked_first(x: XStub) -> None:
    x.world.say(*[post(n, likes=n * n) for n in range(1, 121)])
    run = Try(x, max_posts=40)
    read = list(run.search(adaptive=True, until="1m"))
    assert ids(read)[:21] == of([post(n) for n in range(120, 99, -1)])
    assert "min_likes:100000" in x.queries(SEARCH)[0]["query"]
    assert 40 <= len(set(ids(read))) == run.state.bought < 50, "X's smallest page is of 10"


@pytest.mark.parametrize(("max_usd", "bought"), [(0.10, 0), (0.25, 10), (1.0, 56), (5.0, 150)])
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
