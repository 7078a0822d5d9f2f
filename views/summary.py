"""What an output holds, in figures: sentiment over all tweets and by language, deletions, and
rejected records by reason.

Reads the store of the views where there is one that holds all that is published, otherwise what is
published. Exit codes: 0 done, 1 HDFS does not answer, 2 wrong usage or
nothing published.
"""

import argparse
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import msgspec
from hdfs.util import HdfsError
from requests import RequestException

from config.command_line import version
from config.errors import ConfigError, ServiceUnreachable, exit_with
from config.shared import WEBHDFS_PORT
from config.venv import ROOT
from consumers.output import units
from consumers.output.manifests import Manifest
from views import followers
from views.follow import store_path
from views.kerberized import client
from views.reading import Published
from views.shades import printable
from views.store.queries import View

LANGUAGES, REASONS = 5, 50
NO_LOCATION = (
    "no post has a location: X gives a point or place to few, Bluesky to none; a map would be empty"
)
LABELS = ("positive", "neutral", "negative")


class Sentiment(msgspec.Struct):
    """What this program reads of a tweet's sentiment."""

    compound: float
    label: str


class Row(msgspec.Struct):
    """What this program reads of a line: of a tweet's, a deletion's (no sentiment) or a rejected
    record's (a reason)."""

    lang: str | None = None
    sentiment: Sentiment | None = None
    geo_kind: str | None = None
    reason: str | None = None


@dataclass
class Group:
    """Tweets counted together; `compound` is the sum of their scores."""

    labels: Counter[str] = field(default_factory=Counter)
    compound: float = 0.0

    def add(self, sentiment: Sentiment) -> None:
        self.labels[sentiment.label] += 1
        self.compound += sentiment.compound

    def line(self, name: str) -> str:
        """`name`, number of tweets, share of each label, mean compound."""
        tweets = self.labels.total()
        shares = "".join(f"{self.labels[label] / max(tweets, 1):>10.1%}" for label in LABELS)
        return f"{name:<12}{tweets:>8}{shares}{self.compound / max(tweets, 1):>+15.3f}"


@dataclass
class Summary:
    """The figures of an output."""

    batches: int = 0
    deleted: int = 0
    located: int = 0
    everything: Group = field(default_factory=Group)
    languages: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Count one line."""
        if row.reason is not None:
            self.reasons[row.reason] += 1
        elif row.sentiment is None:
            self.deleted += 1
        else:
            self.everything.add(row.sentiment)
            self.located += row.geo_kind is not None
            self.languages[row.lang or "und"].add(row.sentiment)

    def table(self) -> str:
        """The figures for people."""
        most = sorted(self.languages.items(), key=lambda item: (-item[1].labels.total(), item[0]))[
            :LANGUAGES
        ]
        reasons = ", ".join(
            f"{count} {printable(reason, 20)}" for reason, count in self.reasons.most_common()
        )
        return "\n".join(
            [
                f"{'language':<12}{'tweets':>8}"
                + "".join(f"{label:>10}" for label in LABELS)
                + f"{'mean compound':>15}",
                self.everything.line("all"),
                *(group.line(printable(name, 11)) for name, group in most),
                f"{'tombstones':<12}{self.deleted:>8}",
                f"{'rejected':<12}{self.reasons.total():>8}" + (f"  {reasons}" if reasons else ""),
                f"{'batches':<12}{self.batches:>8}",
                f"{'located':<12}{self.located:>8}" + ("" if self.located else f"  {NO_LOCATION}"),
            ]
        )


def stored(output: str, webhdfs: str, folder: Path) -> Summary | None:
    """The figures of the views' store of this output, which takes in what is new; one is
    made for an output with units. None where there is neither."""
    if store_path(folder, output).exists():
        return _of_store(output, webhdfs, folder)
    if Published(output, webhdfs).names(units.FOLDER):
        with TemporaryDirectory() as another:
            return _of_store(output, webhdfs, Path(another))
    return None


def _of_store(output: str, webhdfs: str, folder: Path) -> Summary:
    path = store_path(folder, output)
    followers.catch_up(argparse.Namespace(output=[output], webhdfs=webhdfs, store=folder))
    with closing(View(path)) as view:
        at, totals, summary = view.frontier(), view.totals(None), Summary()
        summary.batches, summary.deleted = at.get("next", 0), at.get("deleted", 0)
        summary.located = totals["points"] + totals["places"]
        summary.everything = _group(totals["labels"], totals["mean"])
        for row in view.languages(None, LANGUAGES):
            summary.languages[row["name"]] = _group(row["labels"], row["mean"])
        for row in view.terms("reason", None, REASONS)["terms"]:
            summary.reasons[row["name"]] = row["n"]
    return summary


def _group(labels: list[int], mean: float) -> Group:
    return Group(Counter(dict(zip(LABELS, labels, strict=True))), mean * sum(labels))


def summarise(client: Any, path: str) -> Summary:
    """Read every published line of the output at `path`, which has no units. Raises HdfsError,
    RequestException, ValueError."""
    summary = Summary()
    root = f"{path.rstrip('/')}/batches"
    shards = sorted(client.list(root)) if client.status(root, strict=False) else []
    for name in [
        f"{shard}/{batch}" for shard in shards for batch in sorted(client.list(f"{root}/{shard}"))
    ]:
        with client.read(f"{root}/{name}/_manifest.json") as reader:
            manifest = Manifest.from_bytes(reader.read())
        summary.batches += 1
        for file in manifest.files:
            for line in _lines(client, f"{root}/{name}/{file['path']}"):
                summary.add(msgspec.json.decode(line, type=Row))
    return summary


def _lines(client: Any, path: str) -> Iterator[bytes]:
    with client.read(path) as reader:
        yield from gzip.GzipFile(fileobj=reader)


def main() -> None:
    """Print the summary. Raises ConfigError, ServiceUnreachable."""
    parser = argparse.ArgumentParser(
        prog="scripts/summary.py",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--output", required=True, help="a job's output, hdfs://HOST:PORT/PATH")
    webhdfs = os.environ.get("TWEETS_WEBHDFS", "")
    parser.add_argument(
        "--webhdfs",
        default=webhdfs,
        help=f"WebHDFS (default http://HOST OF THE OUTPUT:{WEBHDFS_PORT}, TWEETS_WEBHDFS)",
    )
    parser.add_argument(
        "--store",
        type=Path,
        default=ROOT / ".run" / "views",
        help="folder of the views' stores: the output's is read where there is one (default "
        ".run/views)",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    given = parser.parse_args()
    output = urlsplit(given.output)
    if not output.path.startswith("/") or not (output.hostname or given.webhdfs):
        parser.error(f"--output wants hdfs://HOST:PORT/PATH, not {given.output}")
    address = given.webhdfs or f"http://{output.hostname}:{WEBHDFS_PORT}"
    try:
        found = stored(given.output.rstrip("/"), address, given.store)
        summary = found or summarise(client(given.output, address), output.path)
    except (HdfsError, RequestException) as error:
        raise ServiceUnreachable(
            f"HDFS does not answer ({type(error).__name__})", address, "scripts/services status"
        ) from None
    except (ValueError, EOFError, OSError) as error:
        raise ConfigError(
            f"not an output of the jobs: {error}",
            given.output,
            "scripts/audit.py says what is wrong",
        ) from None
    if not summary.batches:
        raise ConfigError("nothing is published", given.output, "check --output, or run a job")
    print(summary.table())


def run() -> None:
    """The console script `tweets-summary`: `main`, with its exit code."""
    exit_with(main)
