"""`python -m producer`: reads tweets from a source and publishes each as one record, its bytes as
received."""

from config import venv

if __name__ == "__main__":
    venv.enter()

import json
import logging
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from config import settings
from config.errors import ConfigError, exit_with
from monitoring.page import serve
from monitoring.supervisor import supervise
from producer import help
from producer.doctor.check import check
from producer.opening import estimate, refuse_old_flags
from producer.publishing.brokers import check_names
from producer.report import Progress
from producer.run import Run
from producer.settings import no_source
from producer.stopping import Interrupt


def arguments() -> ArgumentParser:
    """What the command line takes beside the settings."""
    parser = settings.argument_parser("python -m producer", help.ABOUT)
    for flag in ("--check", "--dry-run", "--supervise"):
        parser.add_argument(flag, action="store_true", help=help.ACTIONS[flag])
    return parser


def main() -> int:
    """Settings, source, publish, report."""
    typed = sys.argv[1:]
    if {"-h", "--help"} & set(typed):
        print(help.text(typed))
        return 0
    refuse_old_flags(typed)
    chosen = settings.load("producer", typed, parser=arguments())
    if not chosen.source:
        raise no_source()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for library in ("tweepy", "websockets"):
        # they retry aloud; what comes of it, we say ourselves
        logging.getLogger(library).setLevel(logging.CRITICAL)
    if chosen.check:
        return check(chosen)
    if chosen.dry_run:
        print(json.dumps(estimate(chosen), indent=2, ensure_ascii=False))
        return 0
    if chosen.supervise:
        return supervise(lambda: producer_of([word for word in typed if word != "--supervise"]))
    interrupt = Interrupt()
    interrupt.install()
    check_names(chosen.bootstrap, chosen.topic)
    closing_report = report_file(chosen.report)
    this = Run(chosen, interrupt)
    if chosen.metrics:
        figures = this.figures()
        serve(chosen.metrics, figures.registry(), figures.health)
    try:
        with Progress(this.report, this.trouble, chosen.json):
            this.go()
    finally:
        with closing_report as file:
            this.report().write(file)
        this.say_what_waits()
    return 0


def producer_of(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """A producer with these arguments, in a session of its own: Ctrl-C would reach it twice, and
    twice means at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "producer", *arguments], cwd=Path.cwd(), start_new_session=True
    )


def report_file(path: str) -> AbstractContextManager[IO[str]]:
    """Where the closing report goes, opened before anything is read; an empty path is standard
    output. Raises ConfigError."""
    try:
        return Path(path).open("w", encoding="utf-8") if path else nullcontext(sys.stdout)
    except OSError as error:
        raise ConfigError(
            f"cannot write the report: {error.strerror}", path, "check --report"
        ) from None


def run() -> None:
    """The console script `tweets-producer`: `main`, with its exit code."""
    exit_with(main)


if __name__ == "__main__":
    run()
