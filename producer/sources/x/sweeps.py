"""Posts that X's recent search finds, asked for again and again; nothing is read twice."""

from collections.abc import Generator
from typing import NamedTuple

from config.errors import ConfigError
from producer.sources import Record, Records, State
from producer.sources.x.ids import id_at
from producer.sources.x.kept import Kept
from producer.sources.x.pages import Search
from producer.sources.x.purse import Purse
from producer.sources.x.query import Query
from producer.sources.x.wire import Account

LIKES = (100_000, 10_000, 1_000, 100, 10, 1)  # thresholds of the adaptive search, from the top


class Reached(NamedTuple):
    """How far a search has come, as ids: all up to `newest` but what is between `since` and
    `oldest` (0: nothing is)."""

    newest: int = 0
    oldest: int = 0
    since: int = 0

    @classmethod
    def of(cls, position: str) -> "Reached":
        """From a position; the beginning where there is none."""
        return cls(*map(int, position.split()))

    def __str__(self) -> str:
        return " ".join(map(str, self if self.oldest else self[:1]))


def tweets(
    account: Account,
    query: Query,
    interval_s: float,
    adaptive: bool,
    purse: Purse,
    state: State,
    kept: Kept,
) -> Records:
    """One record per post that matches: searches every `interval_s` seconds for what is newer, to
    the query's end if it has one.

    Pages come newest first: each record carries as position the newest id of its search and the
    oldest one reached, so that a search that a limit or a kill has cut off is gone on with.
    `adaptive` asks for the most liked posts first, and for less liked ones when those do not fill a
    page; with a limit of posts or costs these are then the ones that are had, and only the last
    record of a whole search carries a position. Raises ConfigError at once, later what
    `Account.ask` does.
    """
    if interval_s < 1:
        raise ConfigError(
            "the interval between two searches is below 1 s", "--interval", "give at least 1"
        )
    return _Sweeps(account, query, adaptive, purse, state, kept).records(interval_s)


class _Sweeps:
    """One search of all that is new after the other."""

    def __init__(
        self, account: Account, query: Query, adaptive: bool, purse: Purse, state: State, kept: Kept
    ) -> None:
        self._account, self._query, self._adaptive, self._purse, self._state = (
            account,
            query,
            adaptive,
            purse,
            state,
        )
        self._search, self._kept, self._reached = (
            Search(account, purse, state),
            kept,
            Reached.of(kept.position),
        )
        self._begin = id_at(query.since) - 1 if query.since else 0

    def records(self, interval_s: float) -> Records:
        """See `tweets`."""
        try:
            while True:
                now = self._account.now()
                # before it begins: what comes meanwhile is in the next one
                last_one = self._query.ended(now)
                self._state.now = "searching"
                if self._reached.oldest:
                    yield from self._sweep(
                        max(self._reached.since, self._begin), self._reached.oldest
                    )
                if not self._reached.oldest:
                    until_id = (
                        id_at(self._query.until)
                        if self._query.until and self._query.until < now
                        else 0
                    )
                    since_id = max(self._reached.newest, self._begin)
                    yield from (
                        self._most_liked(since_id, until_id)
                        if self._adaptive
                        else self._sweep(since_id, until_id)
                    )
                if last_one or not self._purse.page_size():
                    self._state.now = (
                        "the search's end" if self._purse.page_size() else "the limit is reached"
                    )
                    return
                self._state.now = f"next search in {interval_s:.0f} s"
                self._account.pause(interval_s)
        finally:
            self._kept.settle()

    def _sweep(self, since_id: int, until_id: int) -> Generator[Record, None, None]:
        """The records between these ids, each with the position it makes; `_reached` is whole only
        where the limit allowed it."""
        held: Record | None = None  # until it is known whether it is the last one
        resumed = bool(self._reached.oldest)
        for page in self._search.pages(self._query.written(), since_id, until_id):
            for record in page.records:
                if held is not None:
                    yield self._positioned(held)
                held, id = record, int(record.id or 0)
                newest = self._reached.newest if resumed else max(id, self._reached.newest)
                self._reached, resumed = Reached(newest, id, since_id), True
            if page.last:
                self._reached = Reached(self._reached.newest)
        if held is not None:
            yield self._positioned(held)

    def _most_liked(self, since_id: int, until_id: int) -> Generator[Record, None, None]:
        """Yields the records by bands of likes, the most liked band first."""
        held: Record | None = None
        newest, whole = self._reached.newest, False
        for band in [
            *[self._query.above(likes) for likes in LIKES if likes > self._query.min_likes],
            self._query,
        ]:
            self._state.now = f"searching, {band.min_likes} likes or more"
            whole = False
            for page in self._search.pages(band.written(), since_id, until_id):
                whole = page.last
                for record in page.records:
                    if held is not None:
                        yield held
                    held, newest = record, max(newest, int(record.id or 0))
        if whole:
            self._reached = Reached(newest)
        if held is not None:
            yield self._positioned(held) if whole else held

    def _positioned(self, record: Record) -> Record:
        return record._replace(position=self._kept.marked(str(self._reached)))
