"""What the vaderSentiment package knows, as numbered words: read from the installed package, never
copied.

A word's number is its place in `Lexicon.numbers`; 0 is any other word. The words that a rule names
come first, in the order of RULE_WORDS, so that rules.py can name their numbers and look up
sequences of them in small tables.
"""

import sys
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from vaderSentiment import vaderSentiment as vader  # type: ignore[import-untyped]

REFERENCE = "3.3.2"  # the version whose rules rules.py holds

# The first stands for any word with "n't" inside that the package does not list.
_NAMED = """
    n't no or nor never so this without doubt least at very but kind of sort just enough
    the shit bomb bad ass bus stop yeah right kiss death to die for beating heart
"""
RULE_WORDS = ("", *_NAMED.split())
WIDTH = len(RULE_WORDS)
NO_IDIOM = 99.0  # where a sequence of words has no valence of its own: 0 is one ("bus stop")

# CPython 3.12 made sum() of floats compensated, which moves some sums of vaderSentiment off zero,
# where it then adds the emphasis of "!": being equal to it means being equal to it on the
# interpreter that runs.
COMPENSATED = sys.version_info >= (3, 12)


class Lexicon(NamedTuple):
    """Columns by a word's number, and tables of sequences; as lists here, as arrays in
    tables.py."""

    numbers: dict[str, int]
    valence: list[float]  # 0 where the word is not in the package's lexicon, which has no zeros
    booster: list[float]
    negator: list[int]
    pairs: list[int]  # the number of a sequence by its two words: first * WIDTH + second
    triples: list[int]  # by the number of its first two words and the third: pair * WIDTH + third
    idiom: list[float]  # by a sequence's number
    dampener: list[float]  # the same


@cache
def lexicon() -> Lexicon:
    """Raises RuntimeError where another version of vaderSentiment is installed."""
    if version("vaderSentiment") != REFERENCE:
        raise RuntimeError(
            f"vaderSentiment {version('vaderSentiment')} is not {REFERENCE}: pip install "
            f"vaderSentiment=={REFERENCE}"
        )
    valence = {word: measure for word, measure in analyzer().lexicon.items() if _can_match(word)}
    singles = {word: step for word, step in vader.BOOSTER_DICT.items() if " " not in word}
    if any(word in valence for word in singles) or 0 in valence.values():
        raise RuntimeError("the lexicon has boosters or zeros, which rules.py does not expect")
    words = dict.fromkeys([*RULE_WORDS, *valence, *singles, *vader.NEGATE])
    return Lexicon(
        {word: number for number, word in enumerate(words)},
        [valence.get(word, 0.0) for word in words],
        [singles.get(word, 0.0) for word in words],
        [int(word in vader.NEGATE or "n't" in word) for word in words],
        *_sequences(),
    )


@cache
def analyzer() -> Any:
    """One analyzer per process: it reads its lexicon from disk."""
    return vader.SentimentIntensityAnalyzer()


@cache
def emojis() -> dict[str, str]:
    """Emoji to description. The package looks at one code point at a time, so its longer keys never
    match."""
    return {emoji: text for emoji, text in analyzer().emojis.items() if len(emoji) == 1}


def _can_match(word: str) -> bool:
    """Words are looked up in lower case and without spaces, so keys like ":D" or "fed up" never
    match."""
    return word == word.lower() and word.split() == [word]


def _sequences() -> tuple[list[int], list[int], list[float], list[float]]:
    """The idioms and two-word boosters. The one-word idiom "badass" never matches: the package
    compares pairs and triples."""
    idioms = {words: value for words, value in vader.SPECIAL_CASES.items() if " " in words}
    dampeners = {words: value for words, value in vader.BOOSTER_DICT.items() if " " in words}
    known = [tuple(map(RULE_WORDS.index, words.split())) for words in [*idioms, *dampeners]]
    pairs_of, triples_of = dict.fromkeys(k[:2] for k in known), [k for k in known if len(k) == 3]
    starts = {words: number for number, words in enumerate(pairs_of, 1)}
    ends = {words: number for number, words in enumerate(triples_of, len(starts) + 1)}
    count = 1 + len(starts) + len(ends)
    pairs, triples = [0] * WIDTH**2, [0] * (count * WIDTH)
    idiom, dampener = [NO_IDIOM] * count, [0.0] * count
    for words, number in starts.items():
        pairs[words[0] * WIDTH + words[1]] = number
    for words, number in ends.items():
        triples[starts[words[:2]] * WIDTH + words[2]] = number
    for phrase, words in zip([*idioms, *dampeners], known, strict=True):
        number = ends[words] if len(words) == 3 else starts[words]
        idiom[number] = idioms.get(phrase, NO_IDIOM)
        dampener[number] = dampeners.get(phrase, 0.0)
    return pairs, triples, idiom, dampener
