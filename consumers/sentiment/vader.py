"""The scores of the vaderSentiment package, as they are.

Its negation and idiom checks lower-case all words again for each word of the lexicon they meet, so its time grows with the
square of a text's length: a long post of 25,000 characters, all loaded words, holds up a batch for seconds.
"""

from functools import cache
from importlib.metadata import version

from msgspec import Struct
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

NAME = f"vaderSentiment {version('vaderSentiment')}"
THRESHOLD = 0.05  # the package's own recommendation


class Sentiment(Struct, frozen=True):
    """compound -1 to 1; neg, neu and pos are shares of 1 (0 without words); label negative, neutral or positive."""

    compound: float
    neg: float
    neu: float
    pos: float
    label: str


def score(texts: list[str]) -> list[Sentiment]:
    """The sentiment of each text, in the same order."""
    polarity_scores = _analyzer().polarity_scores
    return [_sentiment(**polarity_scores(text)) for text in texts]


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    """One analyzer a process: it reads its lexicon from disk."""
    return SentimentIntensityAnalyzer()


def _sentiment(compound: float, neg: float, neu: float, pos: float) -> Sentiment:
    label = "positive" if compound >= THRESHOLD else "negative" if compound <= -THRESHOLD else "neutral"
    return Sentiment(compound, neg, neu, pos, label)
