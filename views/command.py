"""What the commands of the views have in common: which outputs, and where their stores are."""

import argparse
import os
from pathlib import Path

from config.command_line import argument_parser, version
from config.shared import WEBHDFS_PORT
from config.venv import ROOT
from views.follow import store_path

OUTPUTS = tuple(
    os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").replace(
        "{program}", job
    )
    for job in ("direct", "receiver_based")
)
STORES = ROOT / ".run" / "views"


def parser(program: str, about: str) -> argparse.ArgumentParser:
    """A parser with the flags that all views take."""
    made = argument_parser(program, about)
    made.add_argument(
        "--output",
        action="append",
        help="an output, hdfs://HOST:PORT/PATH; twice for two side by side "
        f"(default {' and '.join(OUTPUTS)})",
    )
    made.add_argument(
        "--webhdfs",
        default="",
        help=f"WebHDFS (default http://HOST OF THE OUTPUT:{WEBHDFS_PORT}, TWEETS_WEBHDFS)",
    )
    made.add_argument(
        "--store",
        type=Path,
        default=STORES,
        help="folder of the views' stores (default .run/views); it can be deleted at any time",
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    return made


def outputs(given: argparse.Namespace) -> list[str]:
    """The addresses of the outputs, as they were typed, without a slash at the end."""
    return [output.rstrip("/") for output in given.output or OUTPUTS]


def stores(given: argparse.Namespace) -> list[Path]:
    """Where the store of each output lies."""
    return [store_path(given.store, output) for output in outputs(given)]
