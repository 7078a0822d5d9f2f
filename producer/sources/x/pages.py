"""Pages of X's recent search, newest posts first, each post as the stream would have sent it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import tweepy  # type: ignore[import-untyped]
from msgspec import Raw, Struct, field

from producer.sources import Record, State
from producer.sources.identity import record_of
from producer.sources.x.ids import SEARCHABLE_S, id_at
from producer.sources.x.purse import Purse
from producer.sources.x.wire import FIELDS, Account

DOING = "X's recent search"


class _Included(Struct):
    id: str = ""


class _Geo(Struct):
    place_id: str = ""


class _Referring(Struct):
    """What a post refers to; in 2026 X began to call tweets posts."""

    author_id: str = ""
    geo: _Geo | None = None
    referenced_tweets: list[_Included] = []
    referenced_posts: list[_Included] = []


class _Includes(Struct):
    users: list[Raw] = []
    places: list[Raw] = []
    tweets: list[Raw] = []


class _Meta(Struct):
    next_token: str = ""


class _Page(Struct):
    data: list[Raw] = []
    includes: _Includes = field(default_factory=_Includes)
    meta: _Meta = field(default_factory=_Meta)


class _StreamLine(Struct):
    includes: _Includes = field(default_factory=_Includes)


class Page:
    """`records` are those that had not come before; `last` says that there is no further page."""

    def __init__(self, records: list[Record], last: bool) -> None:
        self.records, self.last = records, last


class Search:
    """Recent search with one account and one purse."""

    def __init__(self, account: Account, purse: Purse, state: State) -> None:
        self._account, self._purse, self._state = account, purse, state
        self._client: tweepy.Client = account.client()

    def pages(
        self,
        query: str,
        since_id: int,
        until_id: int = 0,
        rules: list[dict[str, str]] | None = None,
    ) -> Iterator[Page]:
        """All pages of one search between these ids (0: as far as X reaches), as long as they can
        be paid.

        A page that is the `last` one comes only where all was paid. `rules` is what the posts are
        said to match. Ids, never times: X refuses both in one request (DocNow/twarc #451). Raises
        what `Account.ask` does.
        """
        where = between(since_id, until_id, self._account.now())
        if where is None:
            yield Page([], last=True)
            return
        while size := self._purse.page_size():
            # called at once
            page = self._account.ask(lambda: self._page(query, size, where), DOING, self._state)  # noqa: B023
            posts = [post for post in page.data if self._is_new(post, page.includes)]
            records = [record_of(_alone(post, page.includes, rules or [])) for post in posts]
            yield Page(records, not page.meta.next_token)
            if not page.meta.next_token:
                return
            where["next_token"] = page.meta.next_token

    def _page(self, query: str, size: int, where: dict[str, str]) -> _Page:
        answer: requests.Response = self._client.search_recent_tweets(
            query, max_results=size, **where, **FIELDS
        )
        return msgspec.json.decode(answer.content, type=_Page)

    def _is_new(self, post: Raw, includes: _Includes) -> bool:
        own = _own(post, includes)
        return self._purse.received(
            record_of(bytes(post)).id, map(_id, own["users"]), map(_id, own["tweets"])
        )


def between(since_id: int, until_id: int, now: float) -> dict[str, str] | None:
    """since_id and until_id as X takes them at its time `now`, cut to the 7 days it reaches back;
    None for nothing between.

    An id that is a time, not a post's, is fine for X (plhery/node-twitter-api-v2 #228 makes such
    ones).
    """
    where = {}
    reach = id_at(now - SEARCHABLE_S)
    if since_id:
        where["since_id"] = str(max(since_id, reach))
    if until_id:
        where["until_id"] = str(until_id)
    return None if until_id and until_id <= max(since_id, reach) + 1 else where


def came_with(line: bytes) -> tuple[list[str], list[str]]:
    """The ids of the users and of the other posts that came with a post of the stream."""
    try:
        includes = msgspec.json.decode(line, type=_StreamLine).includes
        return list(map(_id, includes.users)), list(map(_id, includes.tweets))
    except msgspec.MsgspecError:
        return [], []


def _alone(post: Raw, includes: _Includes, rules: list[dict[str, str]]) -> bytes:
    """The post as the stream would have sent it: with those users, places and posts of its page
    that it refers to."""
    own = {kind: found for kind, found in _own(post, includes).items() if found}
    return msgspec.json.encode({"data": post, "includes": own, "matching_rules": rules})


def _own(post: Raw, includes: _Includes) -> dict[str, list[Any]]:
    """What of its page's includes this post refers to; nothing where its references cannot be
    read."""
    try:
        referring = msgspec.json.decode(post, type=_Referring)
    except msgspec.MsgspecError:
        referring = _Referring()
    place = referring.geo.place_id if referring.geo else ""
    others = {
        reference.id for reference in [*referring.referenced_tweets, *referring.referenced_posts]
    }
    return {
        "users": [user for user in includes.users if _id(user) == referring.author_id],
        "places": [found for found in includes.places if _id(found) == place],
        "tweets": [tweet for tweet in includes.tweets if _id(tweet) in others],
    }


def _id(included: Raw) -> str:
    try:
        return msgspec.json.decode(included, type=_Included).id
    except msgspec.MsgspecError:
        return ""
