"""Tweets that X's recent search finds, asked for again and again; nothing is read twice."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import tweepy  # type: ignore[import-untyped]
from msgspec import Raw, Struct, field

from config.errors import ConfigError
from producer.sources import Records, State
from producer.sources.identity import record_of
from producer.sources.x_wire import FIELDS, USD_A_POST, Account, unreachable

TWEETS_A_PAGE = 100
ATTEMPTS = 5
RATE_LIMIT_PAUSE_S = 60.0
_DOING = "X's recent search"

log = logging.getLogger("producer")


class _Referring(Struct):
    """What a tweet refers to."""

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


class _Identified(Struct):
    id: str


def tweets(account: Account, query: str, interval_s: float, state: State) -> Records:
    """One record a tweet that matches the query, without end: searches every `interval_s` seconds for what is newer.

    Raises ConfigError at once for a missing query, and what `Account.refusal` gives when X refuses; ServiceUnreachable
    when it stays away.
    """
    if not query:
        raise ConfigError("the search needs a query", "--query", 'give --query "coffee lang:en"')
    if interval_s < 1:
        raise ConfigError("searches less than a second apart are never wanted", "--interval", "give at least 1")
    return _tweets(account, query, interval_s, state)


def _tweets(account: Account, query: str, interval_s: float, state: State) -> Records:
    client = tweepy.Client(account.token, return_type=requests.Response)
    account.attach(client.session)
    newest = ""
    while True:
        since = newest
        for page in _pages(client, account, query, since):
            newest = newest if newest != since else page.meta.newest_id or newest  # the first page has the newest
            for tweet in page.data:
                state.bought += 1
                state.cost_usd += USD_A_POST
                yield record_of(_alone(tweet, page.includes))
        time.sleep(interval_s)


def _pages(client: tweepy.Client, account: Account, query: str, since: str) -> Iterator[_Page]:
    """All pages of one search, newest tweets first."""
    position: dict[str, str] = {"since_id": since} if since else {}
    while True:
        page = _page(client, account, query, position)
        yield page
        if not page.meta.next_token:
            return
        position["next_token"] = page.meta.next_token


def _page(client: tweepy.Client, account: Account, query: str, position: dict[str, str]) -> _Page:
    """One page; waits out rate limits, tries a few times against an X that does not answer."""
    for attempt in range(ATTEMPTS):
        pause_s = 2.0**attempt
        failure: Exception
        try:
            response = client.search_recent_tweets(query, max_results=TWEETS_A_PAGE, **position, **FIELDS)
            return msgspec.json.decode(response.content, type=_Page)
        except tweepy.HTTPException as error:
            failure = error
            refusal = account.refusal(error.response, _DOING)
            if refusal is not None:
                raise refusal from None
            if isinstance(error, tweepy.TooManyRequests):
                pause_s = max(error.reset_time - time.time(), 1.0) if error.reset_time else RATE_LIMIT_PAUSE_S
        except (requests.RequestException, msgspec.MsgspecError) as error:
            failure = error
        log.warning("X's search failed (%s), trying again in %.0f s", type(failure).__name__, pause_s)
        time.sleep(pause_s)
    raise unreachable(failure, _DOING)


def _alone(tweet: Raw, includes: _Includes) -> bytes:
    """The tweet as the stream would have sent it: with those users and places of its page that it refers to."""
    referring = msgspec.json.decode(tweet, type=_Referring)
    place = bytes(referring.geo.get("place_id", b"")).strip(b'"').decode()
    own: dict[str, Any] = {
        "users": [user for user in includes.users if _id(user) == referring.author_id],
        "places": [found for found in includes.places if _id(found) == place],
    }
    return msgspec.json.encode(
        {"data": tweet, "includes": {kind: found for kind, found in own.items() if found}, "matching_rules": []}
    )


def _id(included: Raw) -> str:
    return msgspec.json.decode(included, type=_Identified).id
