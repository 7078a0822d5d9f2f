"""A job's figures as metrics, and whether the job is well.

What a batch does is counted where it happens. What only Kafka and Spark know is asked for by a
thread, every LOOK_S seconds, while the figures are served.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from consumers.output import manifests
from consumers.output.manifests import Manifest, Partition
from monitoring.page import Health

LOOK_S = 10.0
LATE_INTERVALS = 3  # a batch that takes longer than this number of intervals is late
_AT = ("topic", "partition")
_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)


class Figures:
    """The metrics of one job. `interval_s` is the time between two batches."""

    def __init__(self, interval_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s, self._clock, self._ended = interval_s, clock, math.nan
        self._newest_ms = 0
        self.registry = own = CollectorRegistry()
        self.info = Gauge("tweets_job_info", "1", ("approach", "output", "group"), registry=own)
        self._records = Counter(
            "tweets_published_records", "records that are published", ("kind",), registry=own
        )
        for kind in ("tweets", "deleted", "rejected"):
            self._records.labels(kind)  # a rate needs the zero before the first one
        self._rejected = Counter(
            "tweets_rejected", "records that were rejected", ("reason",), registry=own
        )
        self._batches = Counter("tweets_batches", "batches that are published", registry=own)
        self._seconds = Histogram(
            "tweets_batch_seconds",
            "how long each step takes",
            ("step",),
            buckets=_BUCKETS,
            registry=own,
        )
        self.again = Counter(
            "tweets_delivered_again", "records that came twice and were left out", registry=own
        )
        self.lost = Counter(
            "tweets_lost_records", "records that --accept-loss gave up", registry=own
        )
        self.epoch = Gauge("tweets_epoch", "the driver's number, one more per start", registry=own)
        self.next_seq = Gauge("tweets_next_seq", "number of the next batch", registry=own)
        self.raw = Gauge("tweets_raw_batches", "batches that are not removed", registry=own)
        self._published_at = Gauge(
            "tweets_last_publish_timestamp_seconds", "when a batch was last published", registry=own
        )
        Gauge(
            "tweets_freshness_seconds",
            "age of the newest published record, by Kafka's time; NaN before the first",
            registry=own,
        ).set_function(self._freshness)
        self._begin = Gauge("tweets_begin_offset", "Kafka's first offset", _AT, registry=own)
        self._end = Gauge("tweets_end_offset", "Kafka's end", _AT, registry=own)
        self._frontier = Gauge(
            "tweets_frontier_offset", "the first offset that is not published", _AT, registry=own
        )
        self._lag = Gauge("tweets_lag_records", "records not yet published", _AT, registry=own)
        self._margin = Gauge(
            "tweets_retention_margin_records",
            "records between Kafka's first offset and the frontier; below 0 records are lost",
            _AT,
            registry=own,
        )
        self.kafka_up = Gauge("tweets_kafka_up", "1: Kafka said its offsets, 0: not", registry=own)
        self.waiting = Gauge("tweets_waiting_batches", "batches not begun", registry=own)
        self.delay_s = Gauge(
            "tweets_scheduling_delay_seconds", "how long the last batch waited", registry=own
        )
        self.executors = Gauge("tweets_executors", "executors; local mode has 1", registry=own)
        self.receivers = Gauge("tweets_receivers_active", "receivers that run", registry=own)

    def _freshness(self) -> float:
        return time.time() - self._newest_ms / 1000 if self._newest_ms else math.nan

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step of a batch: stage, tasks, publish."""
        with self._seconds.labels(name).time():
            yield

    def published(self, manifest: Manifest, newest_ms: int, reasons: Mapping[str, int]) -> None:
        """A batch is published; its newest record has this time of Kafka's, and this number of
        records was rejected for each reason."""
        for kind, count in manifest.counts.items():
            self._records.labels(kind).inc(count)
        for reason, count in reasons.items():
            self._rejected.labels(reason).inc(count)
        self._batches.inc()
        self._newest_ms = max(self._newest_ms, newest_ms)
        self.next_seq.set(manifest.seq + 1)
        self._published_at.set_to_current_time()

    def batch_ended(self) -> None:
        """A batch came to its end, with or without records."""
        self._ended = self._clock()

    def offsets(
        self, covered: manifests.Covered, kafka: Mapping[Partition, tuple[int, int]]
    ) -> None:
        """What Kafka holds, [begin, end) of each partition, against what is published."""
        for (topic, partition), (begin, end) in kafka.items():
            known = covered.get((topic, partition), [(begin, begin)])
            behind = manifests.missing(known, (known[0][0], end))
            at = topic, str(partition)
            self._begin.labels(*at).set(begin)
            self._end.labels(*at).set(end)
            self._frontier.labels(*at).set(manifests.frontier(known))
            self._lag.labels(*at).set(sum(until - start for start, until in behind))
            self._margin.labels(*at).set(manifests.frontier(known) - begin)

    def health(self) -> Health:
        """Not well before the first batch has ended, and while one is late."""
        if math.isnan(self._ended):
            return Health("starting: no batch has ended yet")
        silent_s = self._clock() - self._ended
        late = silent_s > LATE_INTERVALS * self._interval_s
        reason = f"no batch has ended for {silent_s:.0f} s" if late else ""
        return Health(reason, {"seconds_since_batch": round(silent_s, 1)})


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` every LOOK_S seconds from a thread of its own while the block runs."""
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            look()
            ended.wait(LOOK_S)

    thread = threading.Thread(target=run, name="look", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LOOK_S)
