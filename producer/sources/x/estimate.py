"""What it would cost, before anything is bought: X's counts and the plan for the rules. Only the
asking costs."""

from typing import Any

import requests

from producer.sources import State
from producer.sources.x.ids import id_at
from producer.sources.x.kept import Remembered
from producer.sources.x.pages import between
from producer.sources.x.purse import Purse
from producer.sources.x.query import Query, rfc3339
from producer.sources.x.rules import Rule, Rules
from producer.sources.x.search import Reached
from producer.sources.x.wire import Account

_DAY_S = 86_400
_DOING = "X's counts"


def of_search(account: Account, query: Query, purse: Purse, kept: Remembered) -> dict[str, Any]:
    """Posts and USD of one whole search now, behind what the spool has read already. Raises what
    `Account.ask` does."""
    begin, until_id = (
        id_at(query.since) - 1 if query.since else 0,
        id_at(query.until) if query.until else 0,
    )
    reached = Reached.of(kept.position)
    ranges = [(max(reached.newest, begin), until_id)]
    if reached.oldest:
        ranges.append((max(reached.since, begin), reached.oldest))
    posts = sum(count(account, query.written(), *ids) for ids in ranges)
    goes_on = {"goes_on_behind": str(reached.newest)} if reached.newest else {}
    told = {
        "source": "search",
        "query": query.written(),
        **goes_on,
        "posts": posts,
        **_usd(posts, purse, ""),
    }
    return told | {"usd_to_ask": round(purse.prices.count * len(ranges), 4)}


def of_stream(
    account: Account,
    want: list[Rule],
    replace: bool,
    purse: Purse,
    kept: Remembered,
    longest_gap_s: float,
) -> dict[str, Any]:
    """What would be done to the rules, posts and USD a day by those of the last 24 hours, and the
    gap since the last run.

    Raises what `Account.ask` does.
    """
    rules = Rules(account, State())
    plan = rules.plan(want, replace)
    rules.try_out(plan)
    followed, now = [*plan.kept, *plan.add], account.now()
    posts = {rule.value: count(account, rule.value, id_at(now - _DAY_S)) for rule in followed}
    told = {
        "source": "stream",
        "rules": plan.lines(),
        "posts_a_day": posts,
        **_usd(sum(posts.values()), purse, "_a_day"),
    }
    asked = len(posts)
    if kept.alive:
        since_id = max(id_at(kept.alive), int(kept.position or 0))
        missed = sum(count(account, rule.value, since_id) for rule in followed)
        asked += len(followed)
        told["gap"] = {
            "since": rfc3339(kept.alive),
            "posts": missed,
            **_usd(missed, purse, ""),
            "is_fetched": now - kept.alive <= longest_gap_s,
        }
    return told | {"usd_to_ask": round(purse.prices.count * asked, 4)}


def count(account: Account, query: str, since_id: int, until_id: int = 0) -> int:
    """How many posts X's search would find between these ids. Raises what `Account.ask` does."""
    client = account.client()

    def ask() -> int:
        where = between(since_id, until_id, account.now())
        if where is None:
            return 0
        answer: requests.Response = client.get_recent_tweets_count(
            query, granularity="day", **where
        )
        return int(answer.json()["meta"]["total_tweet_count"])

    return account.ask(ask, _DOING, State())


def _usd(posts: int, purse: Purse, unit: str) -> dict[str, float]:
    """The posts alone, and with their authors and the posts they refer to."""
    usd, most_usd = purse.usd(posts)
    return {f"usd{unit}": usd, f"usd{unit}_at_most": most_usd}
