"""What a batch adds, counted here a second time in the plainest way."""

import json
import re
from collections import Counter
from random import Random

import numpy as np
import pytest

from consumers.tweets.row import Tweet
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records, tweet
from tests.kit.strangers import HOSTILE
from views.store import words
from views.store.fold import EXAMPLES, NOWHERE, NUMBERS, SCALE, Digest

LEXICON = list(words.lexicon())


def plainly(texts: list[str]) -> Counter[str]:
    """The lexicon's words in the texts, one by one."""
    known, found = set(LEXICON), Counter[str]()
    for text in texts:
        found.update(w for w in re.split(r"[^a-z0-9'\-]+", ascii_lower(text)) if w in known)
    return found


def ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else " " for letter in text)


@pytest.mark.parametrize("seed", range(5))
def test_words_are_counted_as_one_by_one(seed: int) -> None:
    """Words of the lexicon, parts and joins of them, beside one another, escapes and strangers'
    texts, in groups."""
    dice = Random(seed)
    parts = [*LEXICON, *HOSTILE, "x", "-", "'", "\\", '"', "\n", "\t", "é", "\x07", "\\n", "bad\\"]
    texts = [
        dice.choice(["", " "]).join(dice.choices(parts, k=dice.randrange(1, 30)))
        for _ in range(200)
    ]
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    groups = np.array([dice.randrange(3) * 60 for _ in texts])
    found: dict[int, Counter[str]] = {0: Counter(), 60: Counter(), 120: Counter()}
    quoted = [json.dumps(text, ensure_ascii=bool(dice.randrange(2))).encode() for text in texts]
    for group, word, count in words.counted(quoted, groups):
        found[group][word] += count
    for group, counts in found.items():
        members = [text for text, of in zip(texts, groups, strict=True) if of == group]
        assert counts == plainly(members)


def test_every_word_of_the_lexicon_is_known_and_none_that_is_nearly_one() -> None:
    known = words.counted([json.dumps(word).encode() for word in LEXICON], np.arange(len(LEXICON)))
    assert sorted(known) == sorted((n, word, 1) for n, word in enumerate(LEXICON))
    nearly = [json.dumps(word + end).encode() for word in LEXICON for end in ("q", "7")]
    wrong = {word for _, word, _ in words.counted(nearly, np.zeros(len(nearly), np.int64))}
    assert wrong <= {word[:-1] + word[-1] for word in LEXICON if word[-1] in "q7"}


def test_a_batch_adds_what_its_tweets_say() -> None:
    files, dice = MemoryFiles(), Random(4)
    given = records(dice, 0, 2000)
    manifest = publish(opened(files), given)
    source, digest = FromFiles(files), Digest()
    read = [(file["path"], source.blocks(0, file["path"])) for file in manifest.files]
    digest.add(manifest, manifest.to_bytes(), read)
    tweets = [each for each in given if isinstance(each, Tweet)]
    totals: dict[tuple[str, int], list[int]] = {}
    tags = Counter[str]()
    for each in tweets:
        sentiment = each.sentiment
        assert sentiment
        row = totals.setdefault((each.lang or "und", NUMBERS[sentiment.label]), [0, 0, 0, 0])
        row[0] += 1
        row[1] += round(sentiment.compound * SCALE)
        row[2] += each.geo_kind == "point"
        row[3] += each.geo_kind == "place"
        tags.update(each.hashtags)
    found: dict[tuple[str, int], list[int]] = {}
    for (_, lang, label), values in digest.totals.items():
        row = found.setdefault((lang, label), [0, 0, 0, 0])
        found[lang, label] = [a + b for a, b in zip(row, values, strict=True)]
    assert found == totals
    assert digest.counts["tweets"] == len(tweets)
    assert {t: sum(v[0] for (k, _, n), v in digest.terms.items() if (k, n) == ("tag", t))
            for t in tags} == tags  # fmt: skip
    located = sum(each.lat is not None for each in tweets)
    assert sum(n for n, _ in digest.cells.values()) == located
    newest = [each.id for each in tweets if each.lat is None and each.sentiment.label == "neutral"]
    kept = [line.id for line in digest.examples[NOWHERE, NUMBERS["neutral"]]]
    assert kept == newest[-EXAMPLES:]


def test_zero_zero_is_no_place() -> None:
    files = MemoryFiles()
    manifest = publish(opened(files), [tweet(1, Random(1), lat=0.0, lon=0.0, geo_kind="point")])
    source, digest = FromFiles(files), Digest()
    read = [(file["path"], source.blocks(0, file["path"])) for file in manifest.files]
    digest.add(manifest, manifest.to_bytes(), read)
    assert not digest.cells and next(iter(digest.totals.values()))[2:] == [0, 0]
