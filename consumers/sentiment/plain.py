"""The scores in Python alone, for where numba is absent: linear in the text's length; known words
are remembered."""

# mypy: disable-error-code="no-untyped-call"

import re
import string
from collections import defaultdict
from functools import cache
from heapq import heappop, heappush
from typing import NamedTuple

from consumers.sentiment.lexicon import COMPENSATED, emojis, lexicon
from consumers.sentiment.rules import BUT, emphasis, shares, weigh

REMEMBERED = 50_000  # words
LONGEST = 40  # characters of a word worth remembering; the lexicon's longest has 19
# A class of the 1,212 emoji would be slower than looking up whatever is not ASCII.
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


class Scores(NamedTuple):
    """compound from -1 to 1; neg, neu and pos are shares of 1, or 0 in a text without words."""

    compound: float
    neg: float
    neu: float
    pos: float


def scores(text: str, compensated: bool = COMPENSATED) -> Scores:
    """What vaderSentiment makes of this text; `compensated`: as on CPython 3.12 and later."""
    if not text.isascii():
        text = BEYOND_ASCII.sub(_described, text)
    seen = _seen()
    words = [seen[word] for word in text.split()]
    count = len(words)
    if not count:
        return Scores(0.0, 0.0, 0.0, 0.0)
    valence = lexicon().valence
    hits = [i for i, word in enumerate(words) if valence[word >> 1]]
    if not hits:
        return Scores(0.0, 0.0, 1.0, 0.0)
    values, places = [0.0] * len(hits), [0] * len(hits)
    differs = 0 < sum(word & 1 for word in words) < count
    weighed = weigh([*words, 0, 0], hits, len(hits), differs, lexicon(), values, places)
    del values[weighed:]
    but = next((i for i, word in enumerate(words) if word >> 1 == BUT), None)
    if but is not None:
        _contrast(values, places, but)
    added = emphasis(text.count("!"), text.count("?"))
    compound, neg, neu, pos = shares(values, weighed, count - weighed, added, compensated)
    return Scores(round(compound, 4), round(neg, 3), round(neu, 3), round(pos, 3))


def _described(match: re.Match[str]) -> str:
    """An emoji's description, with a space before it but none after it: what follows sticks to it,
    as in the package."""
    description = emojis().get(match[0])
    if description is None:
        return match[0]
    start = match.start()
    return description if start == 0 or match.string[start - 1] == " " else f" {description}"


class _Seen(dict[str, int]):
    """A word as written to its number and whether it is in upper case, as rules.py wants it."""

    def __missing__(self, written: str) -> int:
        stripped = written.strip(string.punctuation)
        # two code points or fewer: perhaps an emoticon
        word = stripped if len(stripped) > 2 else written
        lower = word.lower()
        numbers = lexicon().numbers
        packed = numbers.get(lower, numbers["n't"] if "n't" in lower else 0) << 1 | word.isupper()
        if len(self) >= REMEMBERED:
            self.clear()
        if len(written) <= LONGEST:
            self[written] = packed
        return packed


@cache
def _seen() -> _Seen:
    return _Seen()


def _contrast(values: list[float], places: list[int], but: int) -> None:
    """Halve what comes before the first "but" and raise what comes after it, the way the package
    does it.

    The package looks for each value's place by the value, in the list that it is changing, so it
    changes the first equal one instead. This function keeps the places of each value in a heap; a
    search per value would take time with the square of the text's length.
    """
    equal: dict[float, list[int]] = defaultdict(list)
    for k, value in enumerate(values):
        heappush(equal[value], k)
        first = heappop(equal[value])
        values[first] = value * (0.5 if places[first] < but else 1.5)
        heappush(equal[values[first]], first)
