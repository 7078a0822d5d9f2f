"""When to connect to X's stream again: X's rules as data, and the arithmetic, without a socket.

Source: X's documentation, "Handling disconnections"; 50 connects in 15 minutes are its rate limit.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

CONNECTS, WINDOW_S = 45, 900.0  # a few of the 50 are left for a restart by hand
# a connection that lasted longer has shown at least one sign of life: the network works again
STEADY_S = 20.0
PATIENCE_S = 1800.0


@dataclass(frozen=True)
class Backoff:
    """The pause before the nth attempt in a row (from 0): `first_s * factor**n + n * step_s`, at
    most `most_s`."""

    first_s: float
    factor: float
    step_s: float
    most_s: float

    def pause_s(self, number: int) -> float:
        return min(
            self.first_s * self.factor ** min(number, 50) + number * self.step_s, self.most_s
        )


NETWORK = Backoff(0.0, 1, 0.25, 16.0)  # the first time at once
SERVER = Backoff(5.0, 2, 0.0, 320.0)
LIMITED = Backoff(60.0, 2, 0.0, WINDOW_S)


class Reconnects:
    """Remembers how connections ended; says how long to wait before the next one. `clock` gives
    seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_a_row: dict[Backoff, int] = {}
        self._connects: deque[float] = deque(maxlen=CONNECTS)
        self._connected_at: float | None = None
        self._failing_since: float | None = None
        self._worked = False

    def connected(self) -> None:
        """X has accepted the connection."""
        self._connected_at, self._worked = self._clock(), True
        self._failing_since = None
        # a stream that opens and breaks off is not steady yet
        self._in_a_row = {NETWORK: self._in_a_row.get(NETWORK, 0)}

    def pause_s(
        self, backoff: Backoff, reset_in_s: float | None = None, answered: bool = True
    ) -> float | None:
        """Seconds until the next attempt, after one that ended by `backoff`; None when X has
        never answered within PATIENCE_S.

        `reset_in_s` is what X itself says, `answered` whether this attempt counts in X's rate
        limit.
        """
        now = self._clock()
        if self._connected_at is not None and now - self._connected_at >= STEADY_S:
            self._in_a_row.clear()
        self._connected_at = None
        self._failing_since = self._failing_since if self._failing_since is not None else now
        # X has answered before: wait without a limit
        if now - self._failing_since > PATIENCE_S and not self._worked:
            return None
        number = self._in_a_row.get(backoff, 0)
        self._in_a_row[backoff] = number + 1
        if answered:
            self._connects.append(now)
        full = len(self._connects) == CONNECTS
        room_in_s = self._connects[0] + WINDOW_S - now if full else 0.0
        return max(backoff.pause_s(number) if reset_in_s is None else reset_in_s, room_in_s)
