"""The source `search`: X's recent search, as the settings ask for it."""

from typing import Any

from config.settings import Settings
from producer.sources import Check, Memory, Records, State
from producer.sources.x import check, opening
from producer.sources.x.counts import count, priced
from producer.sources.x.ids import id_at
from producer.sources.x.query import Query, query
from producer.sources.x.sweeps import Reached, tweets


def open(chosen: Settings, state: State, memory: Memory) -> Records:
    """See `sweeps.tweets`. Raises ConfigError, CredentialsError at once."""
    account = opening.account(chosen)
    kept = opening.kept(memory)
    purse = opening.purse(chosen, state, kept, account)
    return tweets(
        account, _query(chosen), chosen.interval, chosen.adaptive_likes, purse, state, kept
    )


def question(chosen: Settings) -> object:
    """The settings that choose posts; the times only say where to begin and to end."""
    return (chosen.query, chosen.lang, chosen.min_likes, chosen.adaptive_likes)


def checks(chosen: Settings) -> list[Check]:
    """X's points."""
    return check.checks(opening.account(chosen, patient=False), [])


def estimate(chosen: Settings, memory: Memory) -> dict[str, Any]:
    """Posts and USD of one whole search now, behind what an earlier run has read. Raises what
    `Account.ask` does."""
    account, prices, asked = opening.account(chosen), opening.prices(chosen), _query(chosen)
    begin = id_at(asked.since) - 1 if asked.since else 0
    until_id = id_at(asked.until) if asked.until else 0
    reached = Reached.of(opening.remembered(memory).position)
    ranges = [(max(reached.newest, begin), until_id)]
    if reached.oldest:
        ranges.append((max(reached.since, begin), reached.oldest))
    posts = sum(count(account, asked.written(), *ids) for ids in ranges)
    goes_on = {"goes_on_behind": str(reached.newest)} if reached.newest else {}
    told = {
        "source": "search",
        "query": asked.written(),
        **goes_on,
        "posts": posts,
        **priced(posts, prices),
    }
    return told | {"usd_to_ask": round(prices.count * len(ranges), 4)}


def _query(chosen: Settings) -> Query:
    return query(chosen.query, chosen.lang, chosen.since, chosen.until, chosen.min_likes)
