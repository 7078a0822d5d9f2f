"""Posts that X's recent search finds, asked for again and again; nothing is read twice."""

from collections.abc import Iterator

from config.errors import ConfigError
from producer.sources import Record, Records, State
from producer.sources.x_pages import Search
from producer.sources.x_purse import Purse
from producer.sources.x_query import Query
from producer.sources.x_wire import Account

LIKES = (100_000, 10_000, 1_000, 100, 10, 1)  # thresholds of the adaptive search, from the top


def tweets(
    account: Account, query: Query, interval_s: float, adaptive: bool, purse: Purse, state: State, since_id: str = ""
) -> Records:
    """One record a post that matches: searches every `interval_s` seconds for what is newer, to the query's end if it has one.

    `adaptive` asks for the most liked posts first, and for less liked ones when those do not fill a page; with a limit of
    posts or costs these are then the ones that are had. The last record of a whole search carries the newest id as position:
    pages come newest first, so before that an older one may be missing. Raises ConfigError at once, later what
    `Account.ask` does.
    """
    if interval_s < 1:
        raise ConfigError("searches less than a second apart are never wanted", "--interval", "give at least 1")
    return _tweets(Search(account, purse, state), account, query, interval_s, adaptive, purse, state, since_id)


def _tweets(
    search: Search, account: Account, query: Query, interval_s: float, adaptive: bool, purse: Purse, state: State, since_id: str
) -> Records:
    while True:
        last_one = query.ended  # before it begins: what comes meanwhile is in the next one
        state.now = "searching"
        newest = since_id
        held: Record | None = None  # the last record so far: only the very last may carry the position
        for record, newest_id in _sweep(search, query, since_id, adaptive, state):
            newest = max(newest, newest_id, key=lambda id: int(id or 0))
            if held is not None:
                yield held
            held = record
        if held is not None:
            complete = bool(purse.page_size())  # else the limit may have cut the search off
            yield held._replace(position=newest) if complete else held
            since_id = newest
        if last_one or not purse.page_size():
            state.now = "the search's end" if purse.page_size() else "the limit is reached"
            return
        state.now = f"next search in {interval_s:.0f} s"
        account.pause(interval_s)


def _sweep(search: Search, query: Query, since_id: str, adaptive: bool, state: State) -> Iterator[tuple[Record, str]]:
    """(record, newest id of its page) of one whole search."""
    bands = [*[query.above(likes) for likes in LIKES if likes > query.min_likes], query] if adaptive else [query]
    for band in bands:
        if adaptive:
            state.now = f"searching, {band.min_likes} likes or more"
        for page in search.pages(band, since_id):
            for record in page.records:
                yield record, page.newest_id
