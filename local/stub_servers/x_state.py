"""What the stub of X knows, saw and is asked to do: what its handlers and its owner share."""

import threading
from collections import deque

from local.stub_servers.x_bill import Limits
from local.stub_servers.x_faults import FAULTS, Fault
from local.stub_servers.x_world import World

TOKEN = "stub-token-3f9c1e77"


class XState:
    """`world` has the posts and rules, `requests` what was asked; times are in seconds."""

    def __init__(self, keep_alive_s: float, silence_s: float, page_size: int, pace: float) -> None:
        self.world, self.token, self.limits = World(pace=pace), TOKEN, Limits()
        self.away_until = 0.0  # X's time: until then connections are closed without an answer
        self.keep_alive_s, self.silence_s, self.page_size = keep_alive_s, silence_s, page_size
        # how long a reader may not read; how many were disconnected for it
        self.patience_s, self.slow_readers = 5.0, 0
        self.faults: deque[Fault] = deque()
        self.connected_at: list[float] = []
        self.requests: list[tuple[str, dict[str, str]]] = []  # path and query of each
        # id and line of each post that was written to a stream
        self.delivered: dict[str, bytes] = {}
        self.open_streams = 0
        self.ended = threading.Event()

    def fault(
        self, kind: str, after: int = 0, times: int = 1, path: str = "/search/stream"
    ) -> None:
        """Have this happen; faults come one after the other. Raises ValueError for an unknown
        one."""
        if kind not in FAULTS:
            raise ValueError(f"{kind} is none of {', '.join(FAULTS)}")
        with self.world.said:
            self.faults += [Fault(kind, after, path) for _ in range(times)]
            self.world.said.notify_all()

    def go_away(self, seconds: float) -> None:
        """Break every connection off, and take none for this long by X's clock."""
        with self.world.said:
            self.away_until = self.world.now() + seconds
            self.world.said.notify_all()

    @property
    def away(self) -> bool:
        return self.world.now() < self.away_until

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries of the requests so far whose path ends so."""
        return [query for asked, query in self.requests if asked.endswith(path)]
