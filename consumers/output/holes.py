"""Offsets that do not come although later ones have: a hole above the frontier, which the receiver
job may have for a while."""

import time
from collections.abc import Callable

from config.errors import PipelineError
from consumers.output.manifests import Covered, Partition, frontier

# blocks come out of order for a batch or two; beyond that another consumer has got those records
PATIENCE_S = 300.0


class Holes:
    """Remembers since when each hole has been there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._since: dict[tuple[Partition, int], float] = {}

    def check(self, covered: Covered) -> None:
        """Raises PipelineError when a frontier has not moved for PATIENCE_S below what is
        published; a start reads from there."""
        now = self.clock()
        holes = {
            (partition, frontier(known)): known[1][0]
            for partition, known in covered.items()
            if len(known) > 1
        }
        self._since = {hole: self._since.get(hole, now) for hole in holes}
        for (topic, partition), start in holes:
            waited = now - self._since[(topic, partition), start]
            if waited > PATIENCE_S:
                what = f"these records have not come for {waited:.0f} s, though later ones have"
                where = f"{topic}[{partition}] [{start}, {holes[(topic, partition), start]})"
                raise PipelineError(
                    what,
                    where,
                    "start again: a start reads from the first record that is not published",
                )
