"""The faults that X is known for, as the stub of X makes them on demand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.stubs.x_world import Post, renamed, untagged

TAKEN = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}
NOTICE = {"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect", "detail": "This stream is over."}

REFUSALS: dict[str, tuple[Any, ...]] = {  # instead of a connection, or an answer
    "401": (401, "Unauthorized"),
    "402": (402, "Payment Required: no credits left"),
    "403": (403, "Client Forbidden: your app is not in a project", "client-forbidden", None),
    "409": (409, "Conflict: rules must be defined", "invalid-request"),
    "429": (429, "Too Many Requests"),
    "429_reset": (429, "Too Many Requests"),
    "503": (503, "Service Unavailable"),
    "usage_capped": (429, "UsageCapExceeded: monthly cap", "usage-capped"),
    "too_many_connections": (429, "ConnectionException: This stream is at the maximum", "streaming-connection"),
}
SHAPES: dict[str, Callable[[list[Post]], list[Post]]] = {  # of the posts that come next
    "missing_tag": lambda posts: list(map(untagged, posts)),
    "new_names": lambda posts: list(map(renamed, posts)),
    "duplicate": lambda posts: [post for post in posts for _ in range(2)],
    "disorder": lambda posts: posts[::-1],
}
ENDS = ("close", "reset", "silence", "notice")  # of the connection
FAULTS = (*REFUSALS, *SHAPES, *ENDS, "broken_json", "burst")


@dataclass
class Fault:
    """`kind` happens once a connection has sent `after` posts, or to the next request whose path ends with `path`."""

    kind: str
    after: int = 0
    path: str = "/search/stream"
