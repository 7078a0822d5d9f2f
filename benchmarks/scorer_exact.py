"""Whether our scorer's scores are the vaderSentiment package's, to the last bit: what `python -m
benchmarks.scorer --verify` and the unit tests ask."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, islice

import numpy as np
from vaderSentiment import vaderSentiment as vader

from benchmarks.hostile_texts import hostile
from consumers import sentiment
from consumers.sentiment import lexicon, plain

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
