"""The producer's report as metrics: the same figures, under Prometheus' names."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.page import Health
from producer.report import Report

PREFIX = "tweets_producer"
# metric: (the report's field, what it says)
COUNTERS = {
    "read": ("read", "records that the source gave"),
    "from_spool": ("from_spool", "records that an earlier run had left in the spool"),
    "acked": ("acked", "records that Kafka has acknowledged"),
    "failed": ("failed", "records that are neither settled nor on the disk"),
    "rejected": ("rejected", "records that Kafka will never take"),
    "acked_bytes": ("bytes", "bytes of the acknowledged values"),
    "reconnects": ("reconnects", "how often the source was connected to again"),
    "gap_seconds": ("gap_seconds", "seconds of the source that nobody has any more"),
    "cost_usd": ("cost_usd", "what the source has charged, in USD"),
}
GAUGES = {
    "waiting_records": "records that Kafka has not acknowledged yet",
    "spooled_records": "records in the spool, on the disk",
    "spool_full_ratio": "how much of --spool-max-bytes is taken, 0 to 1",
    "stuck": "1 while something keeps reading or records waiting, otherwise 0",
}


class Figures(Collector):
    """Asks for the report at each scrape; nothing is counted twice or in between."""

    def __init__(
        self, report: Callable[[], Report], trouble: Callable[[], str], spool: Callable[[], float]
    ) -> None:
        self._report, self._trouble, self._spool = report, trouble, spool

    def registry(self) -> CollectorRegistry:
        """A registry with these figures alone."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def collect(self) -> Iterable[Metric]:
        """The figures now; called by each scrape, from the server's thread."""
        report = self._report()
        labels = [report.source, report.topic]
        for name, (field, told) in COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", told, labels=["source", "topic"])
            counter.add_metric(labels, getattr(report, field))
            yield counter
        now = {
            "waiting_records": report.waiting,
            "spooled_records": report.spooled,
            "spool_full_ratio": self._spool(),
            "stuck": float(bool(self._trouble())),
        }
        for name, told in GAUGES.items():
            gauge = GaugeMetricFamily(f"{PREFIX}_{name}", told, labels=["source", "topic"])
            gauge.add_metric(labels, now[name])
            yield gauge

    def health(self) -> Health:
        """Not well while something keeps reading or records waiting."""
        report = self._report()
        figures = {"state": report.state, "acked": report.acked, "waiting": report.waiting}
        return Health(self._trouble(), figures)
