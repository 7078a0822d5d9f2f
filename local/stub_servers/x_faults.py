"""The faults that X is known for, as the stub of X makes them on demand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.stub_servers.x_world import Post, partly, renamed, untagged

TAKEN = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}
NOTICE = {
    "title": "operational-disconnect",
    "disconnect_type": "UpstreamOperationalDisconnect",
    "detail": "This stream is over.",
}
MAINTENANCE = (
    "<!DOCTYPE html><html><title>X / Maintenance</title><body>Something is technically "
    "wrong.</body></html>"
)
# where a redirect points to: no server is there, and the token must not go there
ELSEWHERE = "http://127.0.0.9:9/login"

REFUSALS: dict[str, tuple[Any, ...]] = {  # instead of a connection, or an answer
    "401": (401, "Unauthorized"),
    "402": (402, "Payment Required: no credits left"),
    "403": (403, "Client Forbidden: your app is not in a project", "client-forbidden", None),
    "409": (409, "Conflict: rules must be defined", "invalid-request"),
    "429": (429, "Too Many Requests"),
    "429_reset": (429, "Too Many Requests"),
    "429_day": (429, "Too Many Requests"),
    "503": (503, "Service Unavailable"),
    "maintenance": (503, "Service Unavailable"),  # a page for people, where a program expects JSON
    "redirect": (301, "Moved Permanently"),
    "usage_capped": (429, "UsageCapExceeded: monthly cap", "usage-capped"),
    "too_many_connections": (
        429,
        "ConnectionException: This stream is at the maximum",
        "streaming-connection",
    ),
}
SHAPES: dict[str, Callable[[list[Post]], list[Post]]] = {  # of the posts that come next
    "missing_tag": lambda posts: list(map(untagged, posts)),
    "new_names": lambda posts: list(map(renamed, posts)),
    "partial_errors": lambda posts: list(map(partly, posts)),
    "duplicate": lambda posts: [post for post in posts for _ in range(2)],
    "disorder": lambda posts: posts[::-1],
}
ENDS = ("close", "reset", "silence", "notice")  # of the connection
FAULTS = (*REFUSALS, *SHAPES, *ENDS, "broken_json", "burst")


@dataclass
class Fault:
    """`kind` happens once a connection has sent `after` posts, or to the next request whose path
    ends with `path`."""

    kind: str
    after: int = 0
    path: str = "/search/stream"


def headers_of(kind: str, now: float) -> dict[str, str]:
    """What this refusal says about limits and places beside its status; times are X's, in whole
    seconds.

    A day's limit of an app comes with headers of its own, the quarter of an hour's untouched
    (x-app-limit-24hour-*: plhery/node-twitter-api-v2 #495). TooManyConnections brings the reset of
    a limit that is untouched too (the same, #100).
    """
    if kind == "429_reset":
        return {
            "x-rate-limit-limit": "50",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": str(int(now) + 3),
        }
    untouched = {
        "x-rate-limit-limit": "50",
        "x-rate-limit-remaining": "48",
        "x-rate-limit-reset": str(int(now) + 869),
    }
    if kind == "429_day":
        day = {"limit": "500", "remaining": "0", "reset": str(int(now) + 1_200)}
        return untouched | {f"x-app-limit-24hour-{name}": value for name, value in day.items()}
    if kind == "redirect":
        return {"Location": ELSEWHERE}
    return untouched if kind == "too_many_connections" else {}
