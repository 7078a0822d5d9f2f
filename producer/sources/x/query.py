"""What to ask X's recent search for: the query in today's words, and the times."""

import re
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from config.errors import ConfigError
from producer.sources.x.ids import SEARCHABLE_S

QUERY_CHARACTERS = 512  # X's limit for recent search
# a search sees what is 30 s old (docs.x.com, posts/search/integrate/paginate); some more for clocks
KNOWN_AFTER_S = 45.0
# operators that X no longer takes
_OLD = {"min_faves": "--min-likes", "since": "--since", "until": "--until"}


@dataclass(frozen=True)
class Query:
    """`text` in X's language; posts of [`since`, `until`), seconds since 1970, 0 is open; at least
    `min_likes` likes."""

    text: str
    since: float = 0.0
    until: float = 0.0
    min_likes: int = 0

    def written(self) -> str:
        """As X takes it."""
        return f"{self.text} min_likes:{self.min_likes}" if self.min_likes else self.text

    def above(self, likes: int) -> "Query":
        """The same query for posts with at least this number of likes."""
        return replace(self, min_likes=max(likes, self.min_likes))

    def ended(self, now: float) -> bool:
        """No later search than one at X's time `now` will find more."""
        return bool(self.until) and now > self.until + KNOWN_AFTER_S


def query(text: str, lang: str, since: str, until: str, min_likes: int) -> Query:
    """From the settings. Raises ConfigError for what X would not take, with today's word for
    yesterday's."""
    if not text.strip():
        raise ConfigError(
            "the search needs a query",
            "--query",
            'give --query "coffee"; --lang alone is not enough for X',
        )
    for operator, flag in _OLD.items():
        if re.search(rf"(?:^|[\s(]){operator}:", text):
            raise ConfigError(f"X no longer takes {operator}: in a query", "--query", f"use {flag}")
    if lang and not re.fullmatch(r"[a-z]{2,3}", lang):
        raise ConfigError(
            f"not a language: {lang!r}", "--lang", "give a code as X knows it: en, pt, ja, und"
        )
    # OR binds weaker than what is added
    whole = f"({text})" if re.search(r"\sOR\s", text) else text
    made = Query(
        f"{whole} lang:{lang}" if lang else whole,
        _time(since, "--since"),
        _time(until, "--until"),
        min_likes,
    )
    if made.since and made.since < time.time() - SEARCHABLE_S:
        raise ConfigError("recent search reaches back 7 days", "--since", "give a later time")
    if made.until and made.until <= (made.since or time.time() - SEARCHABLE_S):
        raise ConfigError(
            "there is no time between --since and --until",
            "--until",
            "give a later time; it is exclusive",
        )
    if len(made.written()) > QUERY_CHARACTERS:
        raise ConfigError(
            f"the query has {len(made.written())} characters, X takes {QUERY_CHARACTERS}",
            "--query",
            "shorten it, or make two",
        )
    return made


def duration_s(text: str, flag: str) -> float:
    """Seconds of 30s, 15m, 2h, 7d, or 0. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", text)
    if not found and text != "0":
        raise ConfigError(f"not a duration: {text!r}", flag, "give 0, 30s, 15m, 2h or 7d")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[found[2]] if found else 0.0


def rfc3339(seconds: float) -> str:
    """As X takes times, and as people read them."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str, flag: str) -> float:
    """A day (its beginning, UTC), an RFC 3339 time, or a time back from now as in 2h, 30m, 3d; 0
    for an empty text."""
    if not text:
        return 0.0
    back = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if back:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[back[2]]
        return time.time() - timedelta(**{unit: int(back[1])}).total_seconds()
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ConfigError(
            f"not a time: {text!r}", flag, "give 2026-11-21, 2026-11-21T08:00:00Z or 2h (ago)"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
