"""What the stub of X would charge for what it has delivered, and how often it may be asked."""

import threading
from typing import Any

# USD per resource returned (docs.x.com, getting-started/pricing)
PRICES = {"posts": 0.005, "users": 0.010, "counts": 0.005}
DAY_S = 86_400
# Requests of one app in 15 minutes (docs.x.com, fundamentals/rate-limits), by the end of the path.
LIMITS = {
    "/search/stream": 50,
    "/stream/rules": 450,
    "/search/recent": 450,
    "/counts/recent": 300,
    "/usage/tweets": 50,
}
WINDOW_S = 900


class Bill:
    """Each post and each author once per UTC day (docs.x.com, fundamentals/post-cap), those of
    `includes` too; each count."""

    def __init__(self) -> None:
        self._adding = threading.Lock()
        self.items: set[tuple[str, int, str]] = set()

    def add(
        self, day: int, data: list[dict[str, Any]], includes: dict[str, list[dict[str, Any]]]
    ) -> None:
        """These posts were returned on that day since 1970, with these `includes`."""
        with self._adding:
            self.items |= {
                ("posts", day, post["id"]) for post in [*data, *includes.get("tweets", [])]
            }
            self.items |= {("users", day, user["id"]) for user in includes.get("users", [])}

    def add_count(self, day: int) -> None:
        """A request for counts was answered."""
        with self._adding:
            self.items.add(("counts", day, str(len(self.items))))

    def table(self) -> dict[str, float]:
        """How many of each kind, and `usd` of all."""
        with self._adding:
            kinds = [kind for kind, _, _ in self.items]
        counted = {kind: kinds.count(kind) for kind in PRICES}
        return {
            **counted,
            "usd": round(sum(PRICES[kind] * number for kind, number in counted.items()), 6),
        }


class Limits:
    """The requests of the running quarter of an hour, by path."""

    def __init__(self) -> None:
        self._begin, self._asked = 0.0, dict.fromkeys(LIMITS, 0)

    def ask(self, path: str, now: float) -> tuple[bool, dict[str, str]]:
        """Whether this request is within its limit, and the headers that X sends with every
        answer."""
        if now >= self._begin + WINDOW_S or now < self._begin:
            self._begin, self._asked = now, dict.fromkeys(LIMITS, 0)
        end = next((end for end in LIMITS if path.endswith(end)), None)
        if end is None:
            return True, {}
        self._asked[end] += 1
        remaining = LIMITS[end] - self._asked[end]
        headers = {
            "limit": LIMITS[end],
            "remaining": max(remaining, 0),
            "reset": int(self._begin) + WINDOW_S,
        }
        return remaining >= 0, {
            f"x-rate-limit-{name}": str(value) for name, value in headers.items()
        }
