"""How many posts X has for a query, and what they would cost. Only the asking costs."""

import requests

from producer.sources import State
from producer.sources.x.pages import between
from producer.sources.x.purse import Prices
from producer.sources.x.wire import Account

_DOING = "X's counts"


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


def priced(posts: int, prices: Prices, unit: str = "") -> dict[str, float]:
    """The posts alone, and with their authors and the posts they refer to."""
    usd, most_usd = prices.of(posts)
    return {f"usd{unit}": usd, f"usd{unit}_at_most": most_usd}
