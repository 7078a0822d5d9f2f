"""The batch interface gives vaderSentiment's own scores."""

import math
import random

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from consumers import sentiment

VOCABULARY = (
    "love hate good GOOD bad terrible not never without doubt least kind of very extremely barely but BUT and the coffee queue "
    "isn't wasn't :) :( <3 :D lol no nope uber-cool 😀 😡 💔 😀😀 ok, great!!! what??? fine... cut the mustard bad ass hand "
    "to mouth the bomb so so this ISN'T \u2019s na\u00efve İ \u212a \u00a0 \u3000 日本 #love @hate https://t.co/x 100% can't"
)
WORDS = VOCABULARY.split(" ")  # the other spaces are words here


def texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    made = [rng.choice(["", " "]).join(rng.choices(WORDS, k=rng.randrange(40))) for _ in range(count)]
    return [*made, "", " ", "!", "not", "but", "\x00", "a" * 10_000]


def test_equal_to_vader_score_for_score():
    reference = SentimentIntensityAnalyzer()
    given = texts(3000, seed=7)
    scored = sentiment.score(given)
    assert len(scored) == len(given)
    for text, mine in zip(given, scored, strict=True):
        theirs = reference.polarity_scores(text)
        for name, value in theirs.items():
            own = getattr(mine, name)
            assert own == value, (text, name)
            assert math.copysign(1, own) == math.copysign(1, value), (text, name)


def test_label_by_the_usual_threshold():
    labels = {"positive": 0, "negative": 0, "neutral": 0}
    for mine in sentiment.score(texts(2000, seed=8)):
        labels[mine.label] += 1
        wanted = "positive" if mine.compound >= 0.05 else "negative" if mine.compound <= -0.05 else "neutral"
        assert mine.label == wanted
    assert all(labels.values()), labels


def test_order_and_emptiness():
    assert sentiment.score([]) == []
    good, bad = sentiment.score(["I love it", "I hate it"])
    assert good.label == "positive"
    assert bad.label == "negative"


def test_name_is_what_runs():
    assert sentiment.NAME == "vaderSentiment 3.3.2"
