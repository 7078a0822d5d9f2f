"""Invented texts that mix everything VADER has a rule for with everything that can go wrong between
its words.

The unit tests compare some thousands of them with the package, `python -m benchmarks.scorer
--verify N` as many as asked.
"""

# ruff: noqa: E501, SIM905 - lists of words are read as words

import random
from collections.abc import Iterator
from functools import cache

from vaderSentiment import vaderSentiment as vader

RULES = (
    "no or nor never so this without doubt least at very but but BUT But kind of sort of just enough not isn't wasn't ISN'T "
    "don\u2019t n't xn'ty N'T can't cannot nope none rarely seldom despite uh-uh kind-of kindof"
).split()
IDIOMS = (
    *vader.SPECIAL_CASES,
    "kiss of",
    "to die",
    "the",
    "to die for",
    "kiss of death",
    "never so",
    "never this",
    "without doubt",
)
IDIOMS += (
    "without any doubt",
    "kind of",
    "sort of",
    "just enough",
    "at least",
    "very least",
    "the least",
    "no",
    "no or",
    "yeah right",
)
PLAIN = "the coffee queue is here a I we A It went over river tomorrow 3 42 https://t.co/x @someone #topic w/o e.g. don U.S.".split()
EMOTICONS = ":) :( :D :-) <3 </3 :P ;) =) :-/ XD xd d: 8) >:( :'( (: ^^ ( '}{' ) :-\u00de :\u00de O_o o.O".split()
SEQUENCES = (  # several code points each: of those only the single ones are described
    "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f1e7\U0001f1f7",     "\U0001f937\u200d\u2640\ufe0f", "1\ufe0f\u20e3", "\u00a9", "\u00ae", "\U0001f51b", "\U0001f199", "\U0001f170", "\u24c2", "\U0001f19a",
)  # fmt: skip
# cased, titled, uncased, of one and two and four bytes, halves of surrogate pairs, what lower()
# makes longer
ODD = (
    "\u212a", "\u212aIND", "\u212aind", "li\u212ae", "\u0130", "\u0130s", "HAPP\u0130", "\u00e9", "\u00c9T\u00c9", "na\u00efve", "Stra\u00dfe", "STRA\u1e9eE",
    "\u01c5", "\u01c4A", "\u01c5A", "\u2167", "\u2177", "\u00aa", "A\u00aa", "\u03a3\u03a3", "\u65e5\u672c", "\u65e5", "\u0627", "\U0001d400", "\U00010400A",
    "\ud83d", "\ude00X", "e\u0301", "\u200b", "\ufeff", "\x00", "bad\x00", "\x00bad", "\u0307", "\x7f", "\x80", "\U0010ffff", "\U00020000", "good\u0307",
)  # fmt: skip
SPACES = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2007\u200a\u2028\u2029\u202f\u205f\u3000"
MARKS = (
    "!",
    "!!",
    "!!!",
    "!!!!!",
    "?",
    "??",
    "???",
    "????",
    "?!",
    "...",
    ",",
    ";",
    "'",
    '"',
    "(",
    ")",
    "*",
    "#",
    "--",
    "'s",
    "\u2019s",
)


@cache
def _lexicon() -> tuple[tuple[str, ...], tuple[str, ...]]:
    analyzer = vader.SentimentIntensityAnalyzer()
    return tuple(analyzer.lexicon), tuple(emoji for emoji in analyzer.emojis)


def hostile(seed: int) -> Iterator[str]:
    """Texts without end, the same for a seed; about every eighth holds a "but", so that its rule
    meets many lists."""
    dice = random.Random(seed)
    yield from (
        "",
        " ",
        "\u3000\t",
        "!",
        "?!?!",
        "not",
        "but",
        "no",
        "\x00",
        "a" * 10_000,
        "!" * 3_000,
        "GOOD " * 300,
        "no " * 200,
        "n'" * 99,
    )
    while True:
        length = dice.choice((1, 2, 3, 4, 5, 8, 8, 12, 12, 20, 30, dice.randrange(1, 120)))
        if dice.random() < 0.06:
            yield _cancelling(dice)
            continue
        few = dice.sample(_lexicon()[0], 3)  # repeated, for equal valences in one text
        glue = "" if dice.random() < 0.03 else " " if dice.random() < 0.7 else None
        words = [_piece(dice, few) for _ in range(length)]
        if glue is None:
            yield "".join(
                word + dice.choice(SPACES) * dice.choice((1, 1, 1, 2, 0)) for word in words
            )
        else:
            yield glue.join(words)


@cache
def _by_tenths() -> dict[int, list[str]]:
    """The lexicon's words by their valence in tenths."""
    words: dict[int, list[str]] = {}
    for word, measure in vader.SentimentIntensityAnalyzer().lexicon.items():
        words.setdefault(round(measure * 10), []).append(word)
    return words


def _cancelling(dice: random.Random) -> str:
    """Words whose valences cancel but for rounding: there the two kinds of sum() differ, and "!" is
    added or is not."""
    known = _by_tenths()
    tenths: list[int] = []
    while -sum(tenths) not in known:
        tenths = dice.choices(list(known), k=dice.randrange(2, 6))
    words = [dice.choice(known[value]) for value in [*tenths, -sum(tenths)]]
    return " the river is here ".join(words) + dice.choice(MARKS)


def _piece(dice: random.Random, few: list[str]) -> str:
    """One word, as it comes or disturbed: other case, glued punctuation, an emoji at its edge."""
    sort = dice.random()
    if sort < 0.26:
        word = dice.choice(_lexicon()[0])
    elif sort < 0.36:
        word = dice.choice(few)
    elif sort < 0.56:
        word = dice.choice(RULES)
    elif sort < 0.64:
        word = dice.choice(tuple(vader.BOOSTER_DICT))
    elif sort < 0.68:
        word = dice.choice(vader.NEGATE)
    elif sort < 0.75:
        word = dice.choice(IDIOMS)
    elif sort < 0.88:
        word = dice.choice(PLAIN)
    elif sort < 0.93:
        word = dice.choice(EMOTICONS)
    elif sort < 0.96:
        word = dice.choice(ODD)
    else:
        word = dice.choice(SEQUENCES) if dice.random() < 0.3 else dice.choice(_lexicon()[1])
    return _disturbed(dice, word)


def _disturbed(dice: random.Random, word: str) -> str:
    how = dice.random()
    if how < 0.10:
        return word.upper()
    if how < 0.14:
        return word.title()
    if how < 0.24:
        return word + dice.choice(MARKS)
    if how < 0.28:
        return dice.choice(MARKS) + word + dice.choice(MARKS)
    if how < 0.30:
        return dice.choice(_lexicon()[1]) + word
    if how < 0.32:
        return word + dice.choice(_lexicon()[1])
    if how < 0.33:
        return word + dice.choice(ODD)
    if how < 0.34:
        return word.replace("k", "\u212a").replace("i", "\u0130")
    return word
