"""From a frame's bytes to gzipped lines, without Spark: the compiled way against the general one,
step by step.

    python -m benchmarks.batch_path [--tweets N] [--rounds R] [--report FILE]

One process, one core, invented tweets of about 1.1 KB in frames of 384 KiB. Steps and ways take
turns in each round; figures are medians of CPU time, so that a busy machine moves them little. The
ways' lines are compared first: 1 where any byte differs.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "connector")]  # the connector is no package of the venv

from consumers import sentiment  # noqa: E402
from consumers.tweets import lines as both  # noqa: E402
from consumers.tweets import parse as tweets  # noqa: E402
from consumers.tweets.fast import frame as fast  # noqa: E402
from kafka_dstreams import decode, layout  # noqa: E402
from producer.sources.sample import sample  # noqa: E402
from tests.kit.frame_bytes import pack  # noqa: E402
from tests.kit.frame_lines import lines_of  # noqa: E402

FRAME_BYTES, LIMIT = 384 * 1024, 1 << 20
EVERYTHING = [("tweets", 0, 0, 2**62)]


def frames(tweets: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The tweets, (key, value), as the connector would hand them over."""
    out, rows, size = [], [], 0
    for offset, (key, value) in enumerate(tweets):
        rows.append((offset, 1_767_225_600_000 + offset, key, value))
        size += len(value) + len(key) + 24
        if size >= FRAME_BYTES:
            out.append(pack("tweets", 0, rows))
            rows, size = [], 0
    return out + ([pack("tweets", 0, rows)] if rows else [])


class Clock:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def time(self, step: str, call: Callable[[], Any]) -> Any:
        begun = time.process_time()
        found = call()
        self.spent[step] += time.process_time() - begun
        return found


def general(data: bytes, clock: Clock) -> bytes:
    """The frame's lines with an object for each record."""
    frame = clock.time("decode", lambda: decode(data))
    pairs = list(zip(frame.values, frame.keys, strict=True))
    found: list[Any] = clock.time(
        "parse", lambda: [tweets.parse(value, key, LIMIT) for value, key in pairs]
    )
    scores = clock.time("score", lambda: sentiment.score([tweet.text for tweet in found]))
    rows = list(zip(frame.offsets, frame.timestamps, found, scores, strict=True))
    written = clock.time(
        "write", lambda: b"".join([tweets.row("tweets", 0, *row) + b"\n" for row in rows])
    )
    clock.time("gzip", lambda: igzip.compress(written, 1))
    return bytes(written)


def fused(data: bytes, clock: Clock) -> bytes:
    """The frame's lines in compiled calls; what Python adds is in `whole` only."""
    (piece,) = lines_of(data, EVERYTHING, LIMIT).tweets
    written = bytes(piece)
    work, out = both._compiled()._work, np.empty(2 * len(written), np.uint8)  # type: ignore[union-attr]
    view = both._View(data, layout(data), EVERYTHING)
    find, write = fast.kernels()
    count = view.layout.count
    starts, ends = view.values
    clock.time("parse", lambda: find(work, starts, ends, np.zeros(count, np.bool_)))
    rows, text = np.arange(count), work.spans[:count, fast.TEXT]
    scores = clock.time("score", lambda: sentiment.columns(work.data, text[:, 0], text[:, 1]))
    work.spans[:count, fast.GEO_KIND] = -1
    begun = (np.frombuffer(b"{" + bytes(64), np.uint8), 1)
    arguments = (
        work,
        rows,
        begun,
        view.offsets,
        view.timestamps,
        scores,
        out,
        np.empty(count, np.int64),
    )
    clock.time("write", lambda: write(*arguments))
    clock.time("gzip", lambda: igzip.compress(written, 1))
    return written


def whole(data: bytes, way: Callable[[], Any]) -> None:
    """What a task does with a frame."""
    kept, both._compiled = both._compiled, way  # type: ignore[assignment]
    try:
        pieces = lines_of(data, EVERYTHING, LIMIT).tweets
        igzip.compress(pieces[0] if len(pieces) == 1 else b"".join(pieces), 1)
    finally:
        both._compiled = kept


def measure(rounds: int, given: list[bytes]) -> dict[str, dict[str, float]]:
    """Microseconds of CPU a tweet, by way and step: medians over the rounds."""
    ways = {"general": (general, lambda: None), "compiled": (fused, both._compiled)}
    count = sum(len(decode(data).offsets) for data in given)
    taken: dict[str, dict[str, list[float]]] = {way: {} for way in ways}
    for _ in range(rounds):
        for name, (steps, way) in ways.items():
            clock = Clock()
            for data in given:
                steps(data, clock)
                clock.time("whole", lambda data=data, way=way: whole(data, way))  # type: ignore[misc]
            for step, seconds in clock.spent.items():
                taken[name].setdefault(step, []).append(seconds / count * 1e6)
    return {
        name: {step: round(statistics.median(all_), 2) for step, all_ in steps.items()}
        for name, steps in taken.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_path", description=__doc__)
    parser.add_argument(
        "--tweets", type=int, default=10_000, help="how many invented tweets (default 10000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each way has its turn (default 5)"
    )
    parser.add_argument("--report", type=Path, help="write the figures there too, as JSON")
    chosen = parser.parse_args()
    both.prepare()
    invented = islice(sample(1), chosen.tweets)
    given = frames(((one.id or "").encode(), one.value or b"") for one in invented)
    if any(general(data, Clock()) != fused(data, Clock()) for data in given):
        print("the two ways differ")
        return 1
    found = measure(chosen.rounds, given)
    print(f"{'us of CPU a tweet':<18}{'general':>10}{'compiled':>10}{'ratio':>8}")
    for step in ("decode", "parse", "score", "write", "gzip", "whole"):
        old, new = found["general"][step], found["compiled"].get(step)
        print(f"{step:<18}{old:>10.2f}" + (f"{new:>10.2f}{old / new:>8.1f}" if new else ""))
    whole_us = {way: steps["whole"] for way, steps in found.items()}
    print(
        f"{'tweets/core-second':<18}"
        + "".join(f"{1e6 / whole_us[way]:>10,.0f}" for way in ("general", "compiled"))
    )
    if chosen.report:
        about = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
        chosen.report.write_text(
            json.dumps(
                {"tweets": chosen.tweets, "rounds": chosen.rounds, **about, "us": found}, indent=1
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
