"""`python -m producer`: reads tweets from a source and publishes each as one record, its bytes as received."""

from config import venv

if __name__ == "__main__":
    venv.enter()

import logging
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import IO

from config import settings
from config.errors import ConfigError, exit_with
from producer.check import check
from producer.ledger import Ledger
from producer.opening import open_source
from producer.publisher import Publisher
from producer.report import Progress, Report
from producer.sources import State
from producer.sources.pace import paced
from producer.sources.replay import Replay
from producer.stopping import Interrupt

ABOUT = "Reads tweets from a source and publishes each as one Kafka record; ends with a report (JSON)."


def main() -> int:
    """Settings, source, publish, report."""
    parser = settings.argument_parser("python -m producer", ABOUT)
    parser.add_argument("--check", action="store_true", help="say whether source and broker are ready, then stop")
    chosen = settings.load("producer", sys.argv[1:], parser=parser)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for library in ("kafka", "tweepy"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # they retry aloud; what comes of it, we say ourselves
    if chosen.check:
        return check(chosen.bootstrap, chosen.topic, lambda: open_source(chosen, State()))
    run(chosen)
    return 0


def run(chosen: settings.Settings) -> None:
    """Publish what the source gives until it ends, `max_posts` are read or a signal comes; then wait for the acks and report."""
    interrupt = Interrupt()
    interrupt.install()
    state = State()
    source, closing_report = open_source(chosen, state), report_file(chosen.report)
    publisher = Publisher(chosen.bootstrap, chosen.topic, Ledger(chosen.ledger) if chosen.ledger else None)
    begin = time.monotonic()

    def report(stopped_by: str = "") -> Report:
        seconds = time.monotonic() - begin
        return Report(
            source=chosen.source,
            topic=chosen.topic,
            read=publisher.offered,
            acked=publisher.acked,
            failed=publisher.failed,
            rejected=publisher.rejected,
            skipped_empty_lines=source.skipped if isinstance(source, Replay) else 0,
            bytes=publisher.acked_bytes,
            seconds=round(seconds, 3),
            records_per_second=round(publisher.acked / seconds, 1) if seconds else 0.0,
            cost_usd=round(state.cost_usd, 3),
            stopped_by=stopped_by,
        )

    stopped_by = "error"
    try:
        with Progress(report, publisher.flush_ledger, chosen.json):
            try:
                for id, value, _ in interrupt.until_asked(islice(paced(iter(source), chosen.rate), chosen.max_posts or None)):
                    publisher.publish(id.encode() if id is not None else None, value)
            finally:
                publisher.finish()
        limit = chosen.max_posts and publisher.offered == chosen.max_posts
        stopped_by = "max_posts" if limit else "signal" if interrupt.asked else "end"
    finally:
        with closing_report as file:
            report(stopped_by).write(file)


def report_file(path: str) -> AbstractContextManager[IO[str]]:
    """Where the closing report goes, opened before anything is read; an empty path is standard output. Raises ConfigError."""
    try:
        return Path(path).open("w", encoding="utf-8") if path else nullcontext(sys.stdout)
    except OSError as error:
        raise ConfigError(f"cannot write the report: {error.strerror}", path, "check --report") from None


if __name__ == "__main__":
    exit_with(main)
