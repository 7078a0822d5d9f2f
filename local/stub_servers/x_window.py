"""Which posts a search or a count of X may look at: the rules of its times and ids, and X's words
where one is broken."""

from datetime import datetime, timezone
from typing import Any

from producer.sources.x.ids import id_at

PROBLEMS = "https://api.twitter.com/2/problems/"
WEEK_S = 7 * 86_400
# without end_time "as recent as 30 seconds ago": docs.x.com, posts/search/integrate/paginate
UNSEEN_S = 30.0
# "'end_time' must be a minimum of 10 seconds prior to the request time.": X's answer, in airbyte's
# documents
LEAST_S = 10.0


class Refused(Exception):
    """An answer that is a problem: the HTTP status, what is wrong, X's type of problem, further
    fields and headers."""

    def __init__(
        self,
        status: int,
        detail: str,
        kind: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers or {}
        self.problem = {
            "title": detail.partition(":")[0],
            "detail": detail,
            "type": PROBLEMS + kind if kind else "about:blank",
        }
        self.problem |= more


def window(query: dict[str, str], now: float) -> tuple[int, int]:
    """(greatest id before, smallest id behind) what this query asks for at X's time `now`. Raises
    Refused as X does."""
    ids, times = {"since_id", "until_id"} & set(query), {"start_time", "end_time"} & set(query)
    if ids and times:  # DocNow/twarc #451, plhery/node-twitter-api-v2 #152 and #197
        raise _invalid(
            "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or "
            "'end_time'."
        )
    oldest = id_at(now - WEEK_S)
    since_id = int(query.get("since_id", oldest - 1))
    if since_id < oldest - 1:  # tweepy's docstring: "from most recent seven days"
        raise _invalid(f"'since_id' must be a tweet id created after [{_minute(now - WEEK_S)}].")
    if int(query.get("until_id", oldest + 1)) <= oldest:
        raise _invalid(f"'until_id' must be a tweet id created after [{_minute(now - WEEK_S)}].")
    if "start_time" in query:
        start = _seconds(query["start_time"])
        if start < now - WEEK_S:
            raise _invalid(
                f"'start_time' must be on or after [{_minute(now - WEEK_S)}], not "
                f"'{query['start_time']}'."
            )
        since_id = id_at(start) - 1
    until_id = id_at(now - UNSEEN_S)
    if "end_time" in query:
        end = _seconds(query["end_time"])
        if end > now - LEAST_S:
            raise _invalid("'end_time' must be a minimum of 10 seconds prior to the request time.")
        until_id = id_at(end)
    return since_id, min(until_id, int(query.get("until_id", until_id)))


def _invalid(why: str) -> Refused:
    return Refused(400, f"Invalid Request: {why}", "invalid-request")


def _minute(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
