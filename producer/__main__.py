"""`python -m producer`: reads tweets from a source and publishes each as one record, its bytes as received."""

from config import venv

if __name__ == "__main__":
    venv.enter()

import json
import logging
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from config import settings
from config.errors import ConfigError, exit_with
from producer.check import check
from producer.opening import estimate, refuse_old_flags
from producer.publisher import check_names
from producer.report import Progress
from producer.run import Run
from producer.stopping import Interrupt

ABOUT = "Reads tweets from a source and publishes each as one Kafka record; ends with a report (JSON)."


def arguments() -> ArgumentParser:
    """What the command line takes beside the settings."""
    parser = settings.argument_parser("python -m producer", ABOUT)
    parser.add_argument("--check", action="store_true", help="say whether source and broker are ready, then stop")
    parser.add_argument("--dry-run", action="store_true", help="stream, search: say what X would charge, buy no post, stop")
    return parser


def main() -> int:
    """Settings, source, publish, report."""
    refuse_old_flags(sys.argv[1:])
    chosen = settings.load("producer", sys.argv[1:], parser=arguments())
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for library in ("tweepy", "websockets"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # they retry aloud; what comes of it, we say ourselves
    if chosen.check:
        return check(chosen)
    if chosen.dry_run:
        print(json.dumps(estimate(chosen), indent=2, ensure_ascii=False))
        return 0
    interrupt = Interrupt()
    interrupt.install()
    check_names(chosen.bootstrap, chosen.topic)
    closing_report = report_file(chosen.report)
    run = Run(chosen, interrupt)
    try:
        with Progress(run.report, run.trouble, chosen.json):
            run.go()
    finally:
        with closing_report as file:
            run.report().write(file)
        run.say_what_waits()
    return 0


def report_file(path: str) -> AbstractContextManager[IO[str]]:
    """Where the closing report goes, opened before anything is read; an empty path is standard output. Raises ConfigError."""
    try:
        return Path(path).open("w", encoding="utf-8") if path else nullcontext(sys.stdout)
    except OSError as error:
        raise ConfigError(f"cannot write the report: {error.strerror}", path, "check --report") from None


if __name__ == "__main__":
    exit_with(main)
