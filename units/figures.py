"""A compactor's figures as metrics, and whether it is well."""

import math
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitoring.page import Health
from units.report import Report

LATE_PAUSES = 3  # a run that ends this number of pauses after the one before is late
_HOUR_S = 3600.0
_BUCKETS = tuple(hours * _HOUR_S for hours in (0.25, 1, 2, 4, 8, 12, 16, 20, 24, 48))


class Figures:
    """The metrics of one compactor; `pause_s` is the time between two runs, None where there is
    one run."""

    def __init__(
        self, output: str, pause_s: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause_s, self._clock, self._ended = pause_s, clock, math.nan
        self.registry = own = CollectorRegistry()
        Gauge("tweets_compactor_info", "1", ("output",), registry=own).labels(output).set(1)
        told = {
            "units": "units that were made",
            "rows": "rows that became part of a unit",
            "revisions": "revisions that were made",
            "erased": "rows that were erased",
            "batches_removed": "batches that were removed",
            "revisions_removed": "revisions that were removed",
            "units_removed": "units that were removed",
        }
        self._counters = {
            name: Counter(f"tweets_compactor_{name}", about, registry=own)
            for name, about in told.items()
        }
        self._delay = Histogram(
            "tweets_erasure_delay_seconds",
            "from a deletion to the unit without its row",
            buckets=_BUCKETS,
            registry=own,
        )
        self._seconds = Gauge(
            "tweets_compactor_run_seconds", "how long the last run took", registry=own
        )
        self._last = Gauge(
            "tweets_compactor_last_run_timestamp_seconds",
            "when a run last came to its end; NaN before the first",
            registry=own,
        )
        self._last.set(math.nan)

    def ended(self, report: Report) -> None:
        """A run came to its end."""
        for name, counter in self._counters.items():
            counter.inc(getattr(report, name))
        for hours in report.hours:
            self._delay.observe(hours * _HOUR_S)
        self._seconds.set(report.seconds)
        self._last.set_to_current_time()
        self._ended = self._clock()

    def health(self) -> Health:
        """Not well before the first run has ended, and while one is late."""
        if math.isnan(self._ended):
            return Health("starting: no run has ended yet")
        silent_s = self._clock() - self._ended
        late = self._pause_s is not None and silent_s > LATE_PAUSES * self._pause_s
        reason = f"no run has ended for {silent_s:.0f} s" if late else ""
        return Health(reason, {"seconds_since_run": round(silent_s, 1)})
