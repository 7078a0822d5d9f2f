"""Our scorer against the vaderSentiment package, on one core:

    python -m benchmarks.scorer [--seconds S] [--report FILE] [--verify N [--seed SEED]]

Without --verify it measures: candidates by turns, medians of CPU time, ratios within the run. Where
cargo is installed, the crate vader-parity is one of them. With --verify it compares the scores of N
invented hostile texts, of both kinds of sum(), compiled and plain, and ends with 1 where any
differ.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np
from vaderSentiment import vaderSentiment as vader

from benchmarks import rust_scorer
from benchmarks.hostile_texts import hostile
from benchmarks.machine import about
from consumers import sentiment
from consumers.sentiment import lexicon, plain

TWEETS = 2_000
LONGEST = 25_000  # characters of X's long posts
NAMES = ("compound", "neg", "neu", "pos")
CHUNK = 10_000


def buffered(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The texts as columns() takes them: bytes, starts and ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.fromiter(accumulate(map(len, encoded), initial=0), np.int64, len(encoded) + 1)
    return np.frombuffer(b"".join(encoded), np.uint8), offsets[:-1], offsets[1:]


def plain_sum(items: Iterable[float]) -> float:
    """sum() before CPython 3.12."""
    total: float = 0
    for item in items:
        total += item
    return total


def compensated_sum(items: Iterable[float]) -> float:
    """sum() from CPython 3.12 on: Neumaier's, once the total is a float."""
    total: float = 0
    lost = 0.0
    for item in items:
        if not (isinstance(total, float) and isinstance(item, float)):
            total += item
            continue
        new = total + item
        lost += (total - new) + item if abs(total) >= abs(item) else (item - new) + total
        total = new
    return total + lost if lost and math.isfinite(lost) else total


def expected(text: str) -> tuple[str, str]:
    """The package's own scores by either kind of sum(), plain first; as repr(), which tells -0.0
    from 0.0."""
    totals: list[float] = []

    def both(items: list[float]) -> float:
        totals[:] = plain_sum(items), compensated_sum(items)
        return totals[0]

    plainly = _scores(text, both)
    return plainly, plainly if len(set(totals)) < 2 else _scores(text, compensated_sum)


def _scores(text: str, total: Callable[[list[float]], float]) -> str:
    vader.sum = total  # the module's name goes before Python's own
    try:
        scores = lexicon.analyzer().polarity_scores(text)
    finally:
        del vader.sum
    return repr(tuple(scores[name] for name in NAMES))


def differences(texts: Sequence[str]) -> list[str]:
    """What differs between the package and ours: both kinds of sum(), compiled and plain."""
    found = []
    wanted = list(map(expected, texts))
    buffer = buffered(texts)
    for compensated in (False, True):
        compiled = sentiment.columns(*buffer, compensated).T.tolist()
        for text, want, row in zip(texts, wanted, compiled, strict=True):
            for way, scores in (
                ("compiled", tuple(row)),
                ("plain", tuple(plain.scores(text, compensated))),
            ):
                if repr(scores) != want[compensated]:
                    found.append(
                        f"{way}, compensated={compensated}: {scores} instead of "
                        f"{want[compensated]} for {text!r}"
                    )
    return found


def verify(count: int, seed: int) -> int:
    """Compare `count` texts; returns the differences. On the interpreter that runs, the package as
    it is must agree as well."""
    texts, different, kinds, done = hostile(seed), 0, 0, 0
    while done < count:
        chunk = list(islice(texts, min(CHUNK, count - done)))
        found = differences(chunk)
        for text in chunk[:500]:
            if list(sentiment.polarity_scores(text).items()) != list(
                lexicon.analyzer().polarity_scores(text).items()
            ):
                found.append(f"polarity_scores differs for {text!r}")
        buffer = buffered(chunk)
        kinds += int(
            (sentiment.columns(*buffer, False) != sentiment.columns(*buffer, True))
            .any(axis=0)
            .sum()
        )
        different += len(found)
        done += len(chunk)
        print("\n".join(found[:5]), file=sys.stderr, end="\n" if found else "")
        print(f"{done} texts, {different} differences", file=sys.stderr)
    print(
        f"{done} texts, both kinds of sum() (which differ on {kinds} of them), compiled and "
        f"plain: {different} differences"
    )
    return different


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
