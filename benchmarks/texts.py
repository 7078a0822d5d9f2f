"""Invented tweets whose texts pack as people's do: the sample's tweets (producer/sources/sample.py)
with other words and other authors.

The sample has some hundred sentences and 500 authors, so that whatever packs it does too well. Here
a text is drawn word by word from 30,000 invented words: the n-th is n times rarer than the first,
as in any language; one in twenty is of VADER's lexicon, so that texts have a sentiment. Authors are
drawn from 300,000 with a name, a place and figures of their own. No word was written by anybody.
`packed` says how texts pack; the repository's documents are there to compare with.
"""

import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from consumers.sentiment.lexicon import analyzer
from producer.sources.sample import sample

WORDS, AUTHORS = 30_000, 300_000
_SOUNDS = ("bdfghjklmnprstvwyz", "aeiou", "lmnrst")
_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


def varied(seed: int) -> Iterator[tuple[str, bytes]]:
    """Id and bytes of tweets without end; the same seed gives the same ones."""
    dice = Random(seed)
    for record in sample(seed):
        tweet = _decode(record.value)
        author = _author(dice.randrange(AUTHORS))
        data = tweet["data"]
        data["author_id"] = author["id"]
        tweet["includes"]["users"] = [author]
        data["text"] = _text(dice, data["text"])
        if "note_tweet" in data:
            data["note_tweet"]["text"] = _text(dice, data["note_tweet"]["text"])
        yield str(record.id), _encode(tweet)


def _text(dice: Random, text: str) -> str:
    """Other words for this text: as long, with its mention, tags and link."""
    kept = [word for word in text.split() if word[0] in "@#" or word.startswith("https:")]
    room = len(text) - sum(len(word) + 1 for word in kept)
    words, weights = _vocabulary()
    drawn = dice.choices(words, cum_weights=weights, k=max(1, room // 6))
    if dice.random() < 0.5:
        drawn[0] = drawn[0].capitalize()
    return " ".join([*drawn, *kept])


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """The words, the most frequent first, and the sums of their weights."""
    dice, known = Random(7), [word for word in sorted(analyzer().lexicon) if word.isalpha()]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        rank = len(found)
        sounds = 1 + (rank > 60) + (rank > 3_000) + (dice.random() < 0.3)
        word = "".join(dice.choice(_SOUNDS[0]) + dice.choice(_SOUNDS[1]) for _ in range(sounds)) + (
            dice.choice(_SOUNDS[2]) if dice.random() < 0.6 else ""
        )
        found[dice.choice(known) if rank > 60 and dice.random() < 0.05 else word] = None
    return list(found), list(accumulate(1 / (rank + 3) for rank in range(1, WORDS + 1)))


def _author(number: int) -> dict[str, Any]:
    """The author of this number: always the same one."""
    dice, (words, _) = Random(number), _vocabulary()
    name, other, place = (words[dice.randrange(WORDS)] for _ in range(3))
    return {
        "id": str(dice.randrange(10**8, 10**19)),
        "name": f"{name.title()} {other.title()}",
        "username": f"{name}_{other}{number % 97}",
        "location": place.title(),
        "public_metrics": {
            "followers_count": int(dice.paretovariate(0.6)) % 10**7,
            "following_count": dice.randrange(5_000),
            "tweet_count": dice.randrange(200_000),
        },
    }


def packed(texts: Iterable[bytes]) -> float:
    """What share of their bytes gzip leaves of these texts, one in each line."""
    data = b"\n".join(texts)
    return round(len(zlib.compress(data, 6)) / len(data), 3)


def comparison(count: int = 20_000) -> dict[str, float]:
    """`packed` of the sample's texts, of these, and of the repository's documents."""
    documents = Path(__file__).resolve().parents[1].glob("docs/*.md")
    both = zip(range(count), sample(1), varied(1), strict=False)
    pairs = [(_decode(one.value), _decode(other)) for _, one, (_, other) in both]
    first, second = (
        [tweet["data"]["text"].encode() for tweet in some] for some in zip(*pairs, strict=True)
    )
    lines = [line for path in sorted(documents) for line in path.read_bytes().splitlines()]
    return {"sample": packed(first), "varied": packed(second), "documents": packed(lines)}
