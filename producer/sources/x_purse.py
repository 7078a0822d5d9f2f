"""What X's posts cost: counted when they arrive, bounded, each post and each author once."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from producer.sources import State

REMEMBERED = 65_536  # ids of each kind; at 250 posts/s four minutes
PAGE = range(10, 101)  # posts a page of a search may have


@dataclass(frozen=True)
class Prices:
    """USD; X's price list of February 2026 says 0.005, 0.010 and 0.005. Whether authors that come with posts are billed as
    user reads it does not say: a bound of costs has to count them."""

    post: float = 0.005
    user: float = 0.010
    count: float = 0.005


class Purse:
    """How many posts may still be bought. `state.bought`, `.cost_usd` and `.repeats` are kept here; any thread may call.

    X bills a post once a day however often it is read. What is remembered is bounded, so the cost is rather too high.
    """

    def __init__(self, state: State, prices: Prices, max_posts: int = 0, max_usd: float = 0.0) -> None:
        self._state, self._prices, self._max_posts, self._max_usd = state, prices, max_posts, max_usd
        self._posts: dict[str, None] = {}
        self._users: dict[str, None] = {}
        self._counting = threading.Lock()

    def received(self, id: str | None, users: Iterable[str] = ()) -> bool:
        """Count a post that X has sent; False for one that came before. One without an id is none that X bills."""
        if id is None:
            return True
        with self._counting:
            if not _remember(self._posts, id):
                self._state.repeats += 1
                return False
            self._state.bought += 1
            self._state.cost_usd += self._prices.post + self._prices.user * sum(_remember(self._users, user) for user in users)
            return True

    def affordable(self) -> float:
        """How many posts may still be bought, their authors counted as new; infinity without a limit."""
        posts = self._max_posts - self._state.bought if self._max_posts else math.inf
        return max(min(posts, self._for_usd()), 0)

    def page_size(self) -> int:
        """How many posts to ask a search for; 0 when not even its smallest page can be paid."""
        if self.affordable() < 1 or self._for_usd() < PAGE[0]:
            return 0
        return int(min(max(self.affordable(), PAGE[0]), PAGE[-1]))

    def _for_usd(self) -> float:
        price = self._prices.post + self._prices.user
        if not self._max_usd or not price:
            return math.inf
        return (self._max_usd - self._state.cost_usd + 1e-9) // price  # the sum of many prices is a little off


def _remember(known: dict[str, None], id: str) -> bool:
    """Add `id`, the oldest making room; False when it was there."""
    if id in known:
        return False
    known[id] = None
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
    return True
