"""What X's posts cost: counted when they arrive, bounded, each post and each author once per UTC
day."""

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from producer.sources import State
from producer.sources.x.kept import DAY_S, Kept

REMEMBERED = 65_536  # ids of each kind; at 250 posts/s four minutes
PAGE = range(10, 101)  # posts a page of a search may have
# posts that may come with one: what it quotes and what it answers, or what it reposts
REFERENCES = 2


@dataclass(frozen=True)
class Prices:
    """USD per resource that an answer has (docs.x.com, getting-started/pricing). Whether those in
    `includes` are billed X does not say: a bound of costs has to count them."""

    post: float
    user: float
    count: float

    @property
    def most(self) -> float:
        """The most that one more post can cost, with its author and the posts it refers to."""
        return self.post * (1 + REFERENCES) + self.user

    def of(self, posts: int) -> tuple[float, float]:
        """What this number of posts costs in USD, alone and at most."""
        return round(posts * self.post, 2), round(posts * self.most, 2)


class Purse:
    """How many posts may still be bought. `state.bought`, `.cost_usd` and `.repeats` are kept here;
    any thread may call.

    Neither this run nor all runs of one UTC day with the same `kept` spend more than `max_usd`. X
    bills a post once per UTC day, however often it is read. What is remembered is bounded, and gone
    with the process, so the cost is rather too high. `now` gives X's time.
    """

    def __init__(
        self,
        state: State,
        prices: Prices,
        max_posts: int = 0,
        max_usd: float = 0.0,
        kept: Kept | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._state, self.prices, self._max_posts, self._max_usd = state, prices, max_posts, max_usd
        self._kept, self._now = kept or Kept(), now
        self._seen: dict[str, None] = {}
        self._posts: dict[str, None] = {}  # billed today
        self._users: dict[str, None] = {}
        self._day = 0
        self._counting = threading.Lock()

    def received(
        self, id: str | None, users: Iterable[str] = (), posts: Iterable[str] = ()
    ) -> bool:
        """Count a post that X has sent with these users and other posts; False for one that came
        before.

        One without an id is none that X bills.
        """
        if id is None:
            return True
        with self._counting:
            self._begin_day()
            new = sum(_remember(self._posts, post) for post in (id, *posts))
            self._spend(
                self.prices.post * new
                + self.prices.user * sum(_remember(self._users, user) for user in users)
            )
            if not _remember(self._seen, id):
                self._state.repeats += 1
                return False
            self._state.bought += 1
            return True

    def counted(self) -> None:
        """Count a request for counts."""
        with self._counting:
            self._begin_day()
            self._spend(self.prices.count)

    def affordable(self) -> float:
        """How many posts may still be bought at the most that each can cost; infinity without a
        limit."""
        posts = self._max_posts - self._state.bought if self._max_posts else math.inf
        return max(min(posts, self._for_usd()), 0)

    def page_size(self) -> int:
        """How many posts to ask a search for; 0 when not even its smallest page can be paid."""
        if self.affordable() < 1 or self._for_usd() < PAGE[0]:
            return 0
        return int(min(max(self.affordable(), PAGE[0]), PAGE[-1]))

    def _begin_day(self) -> None:
        day = int(self._now() // DAY_S)
        if day != self._day:
            self._day, self._posts, self._users = day, {}, {}

    def _spend(self, usd: float) -> None:
        self._state.cost_usd += usd
        self._kept.spend(self._day, usd, self._max_usd / 50)

    def _for_usd(self) -> float:
        if not self._max_usd or not self.prices.most:
            return math.inf
        spent = max(self._state.cost_usd, self._kept.spent_usd(int(self._now() // DAY_S)))
        # the sum of many prices is a little off
        return (self._max_usd - spent + 1e-9) // self.prices.most


def _remember(known: dict[str, None], id: str) -> bool:
    """Add `id`, the oldest making room; False when it was there."""
    if id in known:
        return False
    known[id] = None
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
    return True
