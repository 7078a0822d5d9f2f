#!/usr/bin/env python3
"""Was every record of the topic published exactly once, byte for byte? The judge shares no code with what it judges.

Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 could not tell (a service is away, or there was nothing to judge).
"""

import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent.parent / ".venv"
if sys.prefix == sys.base_prefix and (VENV / "bin" / "python").exists():
    os.execv(VENV / "bin" / "python", [str(VENV / "bin" / "python"), *sys.orig_argv[1:]])

import argparse  # noqa: E402
import json  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import audit_services  # noqa: E402
from audit_judge import KINDS, SAMPLES, Verdict, judge  # noqa: E402
from hdfs.util import HdfsError  # noqa: E402
from kafka.errors import KafkaError  # noqa: E402
from requests import RequestException  # noqa: E402


def arguments() -> argparse.Namespace:
    """The command line, with `webhdfs` and the output's `path` filled in; exits with 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="scripts/audit.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--topic", required=True, help="the topic the output was made of; several comma separated")
    parser.add_argument("--output", required=True, help="the job's output, hdfs://HOST:PORT/PATH")
    bootstrap = os.environ.get("TWEETS_BOOTSTRAP", "127.0.0.1:9092")
    parser.add_argument("--bootstrap", default=bootstrap, help=f"Kafka brokers (default {bootstrap}, TWEETS_BOOTSTRAP)")
    webhdfs = os.environ.get("TWEETS_WEBHDFS", "")
    parser.add_argument("--webhdfs", default=webhdfs, help="WebHDFS (default http://HOST OF THE OUTPUT:9870, TWEETS_WEBHDFS)")
    parser.add_argument("--ledger", help="the producer's ledger: every record in it must be in Kafka")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    given = parser.parse_args()
    output = urlsplit(given.output)
    if not output.path.startswith("/") or not (output.hostname or given.webhdfs):
        parser.error(f"--output wants hdfs://HOST:PORT/PATH, not {given.output}")
    given.webhdfs = given.webhdfs or f"http://{output.hostname}:9870"
    given.path = output.path
    return given


def audit(given: argparse.Namespace) -> Verdict:
    """Read everything and judge it. Raises CannotTell, or what the clients raise for a service that is away."""
    # The ledger first: what is acknowledged by then is below the ends that Kafka tells next.
    acknowledged = audit_services.ledger(given.ledger) if given.ledger else {}
    topics = audit_services.Topics(given.bootstrap, given.topic.split(","))
    kafka = topics.read(acknowledged)
    unseen = [f"{topic}[{partition}] {offset}" for topic, partition, offset in sorted(acknowledged)]
    return judge(kafka, audit_services.batches(given.webhdfs, given.path), topics.ends, unseen)


def table(verdict: Verdict) -> str:
    """The verdict for people: figures, then each finding with its first coordinates."""
    parts = f"{verdict.tweets} tweets, {verdict.deleted} deleted, {verdict.rejected} rejected; {verdict.batches} batches"
    lines = [f"{'in_kafka':<13}{verdict.in_kafka:>10}", f"{'published':<13}{verdict.published:>10}  {parts}"]
    if verdict.unjudged:
        lines.append(f"{'unjudged':<13}{verdict.unjudged:>10}  rows that Kafka no longer has, or had not yet at the start")
    for kind in KINDS:
        lines.append(f"{kind:<13}{verdict.findings[kind]:>10}")
        lines += [f"{'':<13}  {where}" for where in verdict.samples[kind]]
        if len(verdict.samples[kind]) == SAMPLES:
            lines.append(f"{'':<13}  …")
    return "\n".join(lines)


def main() -> int:
    """Print the verdict and return the exit code."""
    given = arguments()
    try:
        verdict = audit(given)
    except (audit_services.CannotTell, KafkaError, HdfsError, RequestException, OSError) as error:
        print(f"error: could not tell: {error}\n  next: scripts/services status, then audit again", file=sys.stderr)
        return 3
    print(json.dumps(verdict.as_dict()) if given.json else table(verdict))
    if verdict.empty:
        print(
            f"error: nothing to judge: {verdict.in_kafka} records in Kafka, {verdict.published} published"
            f" at {given.topic} and {given.output}\n  next: check --topic and --output, run the producer and a job",
            file=sys.stderr,
        )
        return 3
    return 1 if any(verdict.findings.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
