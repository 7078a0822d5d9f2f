"""What it would cost, before anything is bought: X's counts and the plan for the rules. Only the asking costs."""

import time
from typing import Any

import requests

from producer.sources import State
from producer.sources.x_purse import Prices
from producer.sources.x_query import Query, rfc3339
from producer.sources.x_rules import Rule, Rules
from producer.sources.x_wire import Account

_DAY_S = 86_400
_DOING = "X's counts"


def of_search(account: Account, query: Query, prices: Prices) -> dict[str, Any]:
    """Posts and USD of one whole search now. Raises what `Account.ask` does."""
    where = {"start_time": rfc3339(query.since)} if query.since else {}
    if query.until and query.until < time.time() - 10:
        where["end_time"] = rfc3339(query.until)
    posts = _count(account, query.written(), where)
    return {"source": "search", "query": query.written(), "posts": posts, **_usd(posts, prices, ""), "usd_to_ask": prices.count}


def of_stream(account: Account, want: list[Rule], replace: bool, prices: Prices) -> dict[str, Any]:
    """What would be done to the rules, and posts and USD a day by those of the last 24 hours. Raises what `Account.ask` does."""
    rules = Rules(account, State())
    plan = rules.plan(want, replace)
    rules.try_out(plan)
    since = {"start_time": rfc3339(time.time() - _DAY_S)}
    posts = {rule.value: _count(account, rule.value, since) for rule in [*plan.kept, *plan.add]}
    return {
        "source": "stream",
        "rules": plan.lines(),
        "posts_a_day": posts,
        **_usd(sum(posts.values()), prices, "_a_day"),
        "usd_to_ask": round(prices.count * len(posts), 4),
    }


def _count(account: Account, query: str, where: dict[str, str]) -> int:
    client = account.client()

    def ask() -> int:
        answer: requests.Response = client.get_recent_tweets_count(query, granularity="day", **where)
        return int(answer.json()["meta"]["total_tweet_count"])

    return account.ask(ask, _DOING, State())


def _usd(posts: int, prices: Prices, unit: str) -> dict[str, float]:
    """The posts alone, and with an author each."""
    return {f"usd{unit}": round(posts * prices.post, 2), f"usd{unit}_at_most": round(posts * (prices.post + prices.user), 2)}
