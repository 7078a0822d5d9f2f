"""Our scorer against the vaderSentiment package, on one core:

    python -m benchmarks.scorer [--seconds S] [--report FILE] [--verify N [--seed SEED]]

Without --verify it measures: candidates by turns, medians of CPU time, ratios within the run. Where
cargo is installed, the crate vader-parity is one of them. With --verify it compares the scores of N
invented hostile texts, of both kinds of sum(), compiled and plain, and ends with 1 where any
differ.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import rust_scorer
from benchmarks.machine import about
from benchmarks.scorer_exact import buffered, verify
from consumers import sentiment
from consumers.sentiment import lexicon, plain

TWEETS = 2_000
LONGEST = 25_000  # characters of X's long posts


def tweets(count: int, languages: tuple[str, ...] = ()) -> list[str]:
    """Invented tweets of 105 to 280 characters, in these languages or all."""
    from producer.sources.sample import sample

    texts = []
    for record in sample(1):
        data = json.loads(record.value or b"")["data"]
        if 105 <= len(data["text"]) <= 280 and (not languages or data["lang"] in languages):
            texts.append(data["text"])
        if len(texts) == count:
            return texts
    raise ValueError("the sample has ended")


def here(function: Callable[[], Any]) -> Callable[[], int]:
    """Calls the function; gives the CPU time that it took in this process, in ns."""

    def taken() -> int:
        started = time.process_time_ns()
        function()
        return time.process_time_ns() - started

    return taken


def measure(
    candidates: dict[str, tuple[Callable[[], int], int]], seconds: float
) -> dict[str, float]:
    """Microseconds of CPU for one text, by candidate: each (what says its ns, texts it scores) by
    turns, for this long; medians."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    until = time.monotonic() + seconds
    while time.monotonic() < until or min(map(len, times.values())) < 5:
        for name, (ns, count) in candidates.items():
            times[name].append(ns() / 1000 / count)
    return {name: round(statistics.median(taken), 3) for name, taken in times.items()}


def compare(title: str, texts: list[str], seconds: float) -> dict[str, float]:
    """Print a line for each candidate; microseconds of CPU for one text by candidate."""
    reference = lexicon.analyzer().polarity_scores
    some, many = texts[: len(texts) // 10], texts * 5
    buffer = buffered(many)
    candidates = {
        "vaderSentiment": (here(lambda: [reference(text) for text in some]), len(some)),
        "plain Python": (here(lambda: [plain.scores(text) for text in texts]), len(texts)),
        "score(texts)": (here(lambda: sentiment.score(texts)), len(texts)),
        "columns(buffer)": (here(lambda: sentiment.columns(*buffer)), len(many)),
    }
    print(
        f"{title}: {len(texts)} texts, {statistics.mean(map(len, texts)):.0f} characters, one core"
    )
    with rust_scorer.started(texts) as rust:
        if rust:
            candidates["vader-parity"] = rust.round_ns, len(texts)
            wanted = [tuple(reference(text).values()) for text in texts]
            different = sum(a != b for a, b in zip(wanted, rust.scores, strict=True))
            print(f"  vader-parity scores {different} of them otherwise than vaderSentiment")
        taken = measure(candidates, seconds)
    for name, cost in taken.items():
        print(
            f"  {name:16} {cost:9.3f} us/text {1e6 / cost:12,.0f} texts/s "
            f"{taken['vaderSentiment'] / cost:8.1f}x"
        )
    return taken


def worst_texts() -> dict[str, str]:
    """Long posts that hold up vaderSentiment, and others made against this scorer."""
    units = {
        "loaded words and emoji": "I love \U0001f600 ",
        "nothing but 'no'": "no ",
        "emoji alone": "\U0001f600",
        "'but' after many valences": "good bad great awful nice sad ",
        "upper case, negated": "NOT GOOD ",
        "emoticons": ":) ",
    }
    return {name: (unit * LONGEST)[: LONGEST - 4] + " but" for name, unit in units.items()}


def worst(seconds: float) -> None:
    """Print what they cost."""
    rows: dict[str, tuple[Callable[[], int], int]] = {}
    for name, text in worst_texts().items():
        rows[name] = here(partial(sentiment.columns, *buffered([text]))), 1
        rows[f"{name}, plain Python"] = here(partial(plain.scores, text)), 1
    print(f"worst texts of {LONGEST:,} characters:")
    for name, cost in measure(rows, seconds).items():
        print(f"  {name:42} {cost / 1000:9.3f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="for each table")
    parser.add_argument(
        "--report",
        type=Path,
        help="write the figures there too, such as benchmarks/results/scorer.json",
    )
    parser.add_argument("--verify", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    print(
        f"compiled: {sentiment.prepare()}, ready after {time.monotonic() - started:.1f} s; Python "
        f"{sys.version.split()[0]}"
    )
    if options.verify:
        sys.exit(1 if verify(options.verify, options.seed) else 0)
    sets = {"English tweets": tweets(TWEETS, ("en",)), "tweets of all languages": tweets(TWEETS)}
    found = {title: compare(title, texts, options.seconds) for title, texts in sets.items()}
    worst(options.seconds / 3)
    if options.report:
        report = {"machine": about(), "us_per_text": found}
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
