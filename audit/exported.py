"""The verdict as metrics, in a file for the textfile collector of Prometheus' node exporter."""

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from audit.verdict import Verdict


def registry(verdict: Verdict, output: str) -> CollectorRegistry:
    """A registry with the verdict's figures; `output` labels them."""
    own = CollectorRegistry()
    findings = Gauge("tweets_audit_findings", "what is wrong", ("output", "kind"), registry=own)
    for kind, count in verdict.findings.items():
        findings.labels(output, kind).set(count)
    records = Gauge("tweets_audit_records", "records in Kafka", ("output",), registry=own)
    records.labels(output).set(verdict.in_kafka)
    published = Gauge("tweets_audit_published", "rows published", ("output",), registry=own)
    published.labels(output).set(verdict.published)
    ended = Gauge(
        "tweets_audit_timestamp_seconds", "when the audit ended", ("output",), registry=own
    )
    ended.labels(output).set_to_current_time()
    return own


def write(verdict: Verdict, output: str, path: str) -> None:
    """Replace the file in one step. Raises OSError."""
    write_to_textfile(path, registry(verdict, output))
