"""Pages of X's recent search, newest posts first, each post as the stream would have sent it."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import tweepy  # type: ignore[import-untyped]
from msgspec import Raw, Struct, field

from producer.sources import Record, State
from producer.sources.identity import record_of
from producer.sources.x_ids import searchable
from producer.sources.x_purse import Purse
from producer.sources.x_query import Query, rfc3339
from producer.sources.x_wire import FIELDS, Account

DOING = "X's recent search"


class _Identified(Struct):
    id: str = ""


class _Referring(Struct):
    """What a post refers to."""

    author_id: str = ""
    geo: dict[str, Raw] = {}


class _Includes(Struct):
    users: list[Raw] = []
    places: list[Raw] = []


class _Meta(Struct):
    newest_id: str = ""
    next_token: str = ""


class _Page(Struct):
    data: list[Raw] = []
    includes: _Includes = field(default_factory=_Includes)
    meta: _Meta = field(default_factory=_Meta)


class _Line(Struct):
    includes: _Includes = field(default_factory=_Includes)


class Page:
    """`records` are those that had not come before, `newest_id` is of the page, `full` when there is another one."""

    def __init__(self, records: list[Record], newest_id: str, full: bool) -> None:
        self.records, self.newest_id, self.full = records, newest_id, full


class Search:
    """Recent search with one account and one purse."""

    def __init__(self, account: Account, purse: Purse, state: State) -> None:
        self._account, self._purse, self._state = account, purse, state
        self._client: tweepy.Client = account.client()

    def pages(self, query: Query, since_id: str, rules: list[dict[str, str]] | None = None) -> Iterator[Page]:
        """All pages of one search, as long as they can be paid; `rules` is what the posts are said to match.

        Raises what `Account.ask` does.
        """
        where: dict[str, str] = {}
        if searchable(since_id):
            where["since_id"] = since_id
        elif query.since:
            where["start_time"] = rfc3339(query.since)
        if query.until and query.until < time.time() - 10:
            where["end_time"] = rfc3339(query.until)
        while size := self._purse.page_size():
            page = self._account.ask(lambda: self._page(query, size, where), DOING, self._state)  # noqa: B023 - called at once
            posts = [post for post in page.data if self._is_new(post, page.includes)]
            records = [record_of(_alone(post, page.includes, rules or [])) for post in posts]
            yield Page(records, page.meta.newest_id, bool(page.meta.next_token))
            if not page.meta.next_token:
                return
            where["next_token"] = page.meta.next_token

    def _page(self, query: Query, size: int, where: dict[str, str]) -> _Page:
        answer: requests.Response = self._client.search_recent_tweets(query.written(), max_results=size, **where, **FIELDS)
        return msgspec.json.decode(answer.content, type=_Page)

    def _is_new(self, post: Raw, includes: _Includes) -> bool:
        users = [_id(user) for user in _own(post, includes)["users"]]
        return self._purse.received(record_of(bytes(post)).id, users)


def users_of(line: bytes) -> list[str]:
    """The ids of the users that came with a post of the stream."""
    try:
        return [_id(user) for user in msgspec.json.decode(line, type=_Line).includes.users]
    except msgspec.MsgspecError:
        return []


def _alone(post: Raw, includes: _Includes, rules: list[dict[str, str]]) -> bytes:
    """The post as the stream would have sent it: with those users and places of its page that it refers to."""
    own = {kind: found for kind, found in _own(post, includes).items() if found}
    return msgspec.json.encode({"data": post, "includes": own, "matching_rules": rules})


def _own(post: Raw, includes: _Includes) -> dict[str, list[Any]]:
    referring = msgspec.json.decode(post, type=_Referring)
    place = bytes(referring.geo.get("place_id", b"")).strip(b'"').decode()
    return {
        "users": [user for user in includes.users if _id(user) == referring.author_id],
        "places": [found for found in includes.places if _id(found) == place],
    }


def _id(included: Raw) -> str:
    return msgspec.json.decode(included, type=_Identified).id
