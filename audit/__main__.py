"""Was every record of the topic published exactly once, byte for byte? The judge shares no code
with what it judges.

Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 could not tell (a service is away, or there was
nothing to judge), 5 Kafka refuses the audit.
"""

import argparse
import json
import os
import sys
import time
from urllib.parse import urlsplit

from hdfs.util import HdfsError
from kafka.errors import KafkaError
from requests import RequestException

from audit import access, exported
from audit.chain import Chain, end_of
from audit.deletions import Deletions
from audit.files import Output, client_of
from audit.judge import judge
from audit.topics import CannotTell, Topics, ledger
from audit.verdict import Verdict


def arguments() -> argparse.Namespace:
    """The command line, with `webhdfs`, the output's `path` and the `partitions` filled in; exits
    with 2 on wrong usage."""
    parser = argparse.ArgumentParser(
        prog="scripts/audit.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--topic", required=True, help="the topic the output was made of; several comma separated"
    )
    parser.add_argument("--output", required=True, help="the job's output, hdfs://HOST:PORT/PATH")
    bootstrap = os.environ.get("TWEETS_BOOTSTRAP", "127.0.0.1:9092")
    parser.add_argument(
        "--bootstrap",
        default=bootstrap,
        help=f"Kafka brokers (default {bootstrap}, TWEETS_BOOTSTRAP)",
    )
    access.add_flags(parser)
    webhdfs = os.environ.get("TWEETS_WEBHDFS", "")
    parser.add_argument(
        "--webhdfs",
        default=webhdfs,
        help="WebHDFS (default http://HOST OF THE OUTPUT:9870, TWEETS_WEBHDFS); of two NameNodes "
        "both, with ; between them",
    )
    parser.add_argument(
        "--ledger", help="the producer's ledger: every record in it must be in Kafka"
    )
    parser.add_argument(
        "--partition",
        action="append",
        help="judge this partition alone, N or TOPIC:N; may be given again",
    )
    parser.add_argument(
        "--from-batch", type=int, default=0, metavar="N", help="judge the batches from number N on"
    )
    parser.add_argument(
        "--until-batch",
        type=int,
        metavar="N",
        help="judge the batches before number N, and nothing behind them",
    )
    parser.add_argument(
        "--erased-within-hours",
        type=float,
        default=24,
        metavar="N",
        help="convict rows of units that were deleted longer ago (default 24)",
    )
    parser.add_argument(
        "--prometheus",
        metavar="FILE",
        help="also write the findings as metrics into this file, for the textfile collector",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    given = parser.parse_args()
    output = urlsplit(given.output)
    if not output.path.startswith("/") or not (output.hostname or given.webhdfs):
        parser.error(f"--output wants hdfs://HOST:PORT/PATH, not {given.output}")
    given.webhdfs = given.webhdfs or f"http://{output.hostname}:9870"
    given.path = output.path
    if given.ledger and (given.from_batch or given.until_batch is not None):
        parser.error("--ledger wants all batches: without --from-batch and --until-batch")
    try:
        given.partitions = chosen(given.topic.split(","), given.partition or [])
    except ValueError as error:
        parser.error(str(error))
    return given


def chosen(topics: list[str], partitions: list[str]) -> dict[str, set[int] | None]:
    """The topics that are judged, and which of their partitions (None: all). Raises ValueError
    where a word names none."""
    if not partitions:
        return dict.fromkeys(topics)
    found: dict[str, set[int] | None] = {}
    for word in partitions:
        topic, _, number = word.rpartition(":")
        if (
            not number.isdecimal()
            or (topic or topics[0]) not in topics
            or (not topic and len(topics) > 1)
        ):
            raise ValueError(f"--partition wants N, or TOPIC:N with a topic of --topic, not {word}")
        numbers = found.setdefault(topic or topics[0], None) or set()
        found[topic or topics[0]] = numbers | {int(number)}
    return found


def audit(given: argparse.Namespace) -> Verdict:
    """Read everything and judge it. Raises CannotTell, Refused, or what the clients raise for a
    service that is away."""
    # The ledger first: what is acknowledged by then is below the ends that Kafka tells next.
    known = ledger(given.ledger) if given.ledger else {}
    topics = Topics(given.bootstrap, given.partitions, known, access.properties(given))
    output, first, until = Output(client_of(given), given.path), given.from_batch, given.until_batch
    units = [unit for unit in output.units(first, until) if end_of(unit.manifest) > first]
    if units:
        chain = Chain.at_unit(units[0].manifest or b"")
        first = end_of(units[-1].manifest)
    else:
        before = output.manifest(first - 1) if first else None
        if first and before is None:
            raise CannotTell(f"there is no batch {first - 1} in front of --from-batch")
        chain = Chain(first, before)
    due_ms = (time.time() - given.erased_within_hours * 3600) * 1000
    return judge(
        topics,
        output.batches(first, until),
        topics.unseen,
        chain,
        to_the_end=until is None,
        units=units,
        deletions=Deletions(*output.deletions(), due_ms),
    )


def main() -> int:
    """Print the verdict and return the exit code."""
    given = arguments()
    try:
        verdict = audit(given)
    except access.Refused as refused:
        print(f"error: {refused}\n  next: see docs/security.md", file=sys.stderr)
        return refused.code
    except (CannotTell, KafkaError, HdfsError, RequestException, OSError) as error:
        print(
            f"error: could not tell: {error}\n  next: scripts/services status, then audit again",
            file=sys.stderr,
        )
        return 3
    if given.prometheus and not verdict.empty:
        try:
            exported.write(verdict, given.output, given.prometheus)
        except OSError as error:
            print(f"error: {given.prometheus}: {error.strerror}", file=sys.stderr)
            return 2
    print(json.dumps(verdict.as_dict()) if given.json else verdict.table())
    if verdict.empty:
        print(
            f"error: nothing to judge: {verdict.in_kafka} records in Kafka, {verdict.published} "
            "published"
            f" at {given.topic} and {given.output}\n  next: check --topic and --output, run the "
            "producer and a job",
            file=sys.stderr,
        )
        return 3
    return 1 if any(verdict.findings.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
