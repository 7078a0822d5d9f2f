"""The scorer gives vaderSentiment's own scores, compiled or not, by either kind of sum()."""

import math
import random
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hostile_texts import hostile
from benchmarks.scorer import worst_texts
from benchmarks.scorer_exact import buffered, compensated_sum, differences, plain_sum
from consumers import sentiment
from consumers.compiled import jit as compiled
from consumers.sentiment import kernel, lexicon, plain, tables

ROOT = Path(__file__).resolve().parents[3]


def texts(count, seed):
    return list(islice(hostile(seed), count))


def test_equal_to_vader_on_hostile_texts_by_both_kinds_of_sum():
    assert sentiment.prepare()
    given = texts(10_000, seed=7)
    assert differences(given) == []
    data = buffered(given)
    assert (sentiment.columns(*data, False) != sentiment.columns(*data, True)).any(), (
        "no text tells the kinds of sum() apart"
    )


def test_equal_to_vader_on_this_interpreter():
    given = texts(500, seed=8)
    scored = sentiment.score(given)
    for text, mine in zip(given, scored, strict=True):
        theirs = lexicon.analyzer().polarity_scores(text)
        assert repr(sentiment.polarity_scores(text)) == repr(theirs), text
        assert repr([getattr(mine, name) for name in theirs]) == repr(list(theirs.values())), text


def test_the_kinds_of_sum_are_pythons():
    dice = random.Random(9)
    values = [
        [dice.choice((0, 0.1, 0.2, -0.3, 1e-9, 2.5, -2.5)) for _ in range(dice.randrange(30))]
        for _ in range(2_000)
    ]
    ours = compensated_sum if sys.version_info >= (3, 12) else plain_sum
    assert [ours(row) for row in values] == [sum(row) for row in values]
    assert (sys.version_info >= (3, 12)) == lexicon.COMPENSATED
    assert [plain_sum(row) for row in values] != [compensated_sum(row) for row in values]


def test_but_among_many_equal_valences():
    """The rule that looks for a valence's place by its value, in the list that it is changing."""
    dice = random.Random(10)
    words = [
        "good",
        "bad",
        "great",
        "nice",
        "awful",
        "sad",
        "love",
        "hate",
        "GOOD",
        "not",
        "very",
        "river",
        "so",
        "no",
    ]
    given = []
    for _ in range(60):
        made = ["river"] * dice.choice((0, 40)) + dice.choices(
            dice.sample(words, 5), k=dice.randrange(2, 150)
        )
        made.insert(dice.randrange(len(made)), "but")
        given.append(" ".join(made))
    assert differences(given) == []


def test_rounding_is_pythons():
    dice = random.Random(11)
    # what binary can hold exactly
    halves = [(2 * k + 1) / 2**n for n in range(1, 12) for k in range(2**n // 2)]
    near = [(k + 0.5) / 10_000 for k in range(10_000)]
    beside = [math.nextafter(x, way) for x in near[::7] for way in (0, 1)]
    for x in (
        *halves,
        *near,
        *beside,
        *(dice.random() for _ in range(5_000)),
        0.0,
        1.0,
        1e-9,
        5e-324,
    ):
        for signed in (x, -x):
            assert repr(float(kernel.rounded(signed, 1000.0))) == repr(round(signed, 3))
            assert repr(float(kernel.rounded(signed, 10000.0))) == repr(round(signed, 4))


def test_unicode_beyond_the_table_has_nothing_to_score():
    for point in range(tables.CODE_POINTS, sys.maxunicode + 1):
        character = chr(point)
        assert character.lower() == character.upper() == character.title(), hex(point)
        assert not (
            character.isupper() or character.islower() or character.istitle() or character.isspace()
        ), hex(point)
    assert max(map(ord, lexicon.emojis())) < tables.CODE_POINTS


@pytest.mark.parametrize("name", worst_texts())
def test_long_texts_take_no_seconds(name):
    """vaderSentiment takes ten seconds for such; the bound is wide, for machines that are busy."""
    sentiment.prepare()
    text = worst_texts()[name]
    data = buffered([text])
    for score, bound in (
        (lambda: sentiment.columns(*data), 0.1),
        (lambda: plain.scores(text), 1.0),
    ):
        started = time.process_time()
        score()
        assert time.process_time() - started < bound


def test_columns_take_texts_anywhere_in_a_buffer():
    data = bytearray(b'{"text":"I love it"}{"text":"I hate it"}')
    starts, ends = np.array([29, 9, 0]), np.array([38, 18, 0])
    compound, neg, neu, pos = sentiment.columns(data, starts, ends)
    assert compound[0] < 0 < compound[1]
    assert [compound[2], neg[2], neu[2], pos[2]] == [0, 0, 0, 0]


@pytest.mark.parametrize("starts, ends", [([-1], [2]), ([0], [4]), ([2], [1]), ([0, 1], [2])])
def test_columns_refuse_what_is_outside(starts, ends):
    with pytest.raises(ValueError, match="within the 3 bytes"):
        sentiment.columns(b"bad", np.array(starts), np.array(ends))


def test_bytes_that_are_no_utf8_harm_nobody():
    dice = random.Random(12)
    pieces = (
        b"\xff",
        b"\xf0\x9f",
        b"\xe2",
        b"\xc3",
        b"\x80",
        b"good ",
        b" \xf0",
        b"\xf8\xbf\xbf\xbf",
        "\U0001f600".encode(),
    )
    for _ in range(2_000):
        data = b"".join(dice.choices(pieces, k=9))
        scores = sentiment.columns(data, np.array([0]), np.array([len(data)]))
        assert np.isfinite(scores).all()


def test_label_by_the_usual_threshold():
    labels = {"positive": 0, "negative": 0, "neutral": 0}
    for mine in sentiment.score(texts(2000, seed=13)):
        labels[mine.label] += 1
        wanted = (
            "positive"
            if mine.compound >= 0.05
            else "negative"
            if mine.compound <= -0.05
            else "neutral"
        )
        assert mine.label == wanted
    assert all(labels.values()), labels


def test_order_and_emptiness():
    assert sentiment.score([]) == []
    good, bad = sentiment.score(["I love it", "I hate it"])
    assert good.label == "positive"
    assert bad.label == "negative"


def test_name_is_what_runs():
    assert sentiment.NAME == "vaderSentiment 3.3.2"


def test_the_same_without_numba():
    given = texts(300, seed=14)
    wanted = [sentiment.polarity_scores(text) for text in given]
    script = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None  # importing them fails
from itertools import islice
from benchmarks.hostile_texts import hostile
from benchmarks.scorer_exact import buffered
from consumers import sentiment
assert not sentiment.prepare()
given = list(islice(hostile(14), 300))
assert sentiment.score(given)[40].compound == sentiment.columns(*buffered(given))[0, 40]
print([sentiment.polarity_scores(text) for text in given])
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.stdout.strip() == repr(wanted), done.stderr


def test_a_folder_into_which_others_may_write_is_no_cache(tmp_path, monkeypatch):
    """What lies there is run."""
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    beside = tmp_path / "__pycache__"
    assert compiled._writable() == beside
    for mode in (0o775, 0o757):
        beside.chmod(mode)
        assert compiled._writable() == tmp_path / "home" / "kernels"


def test_a_text_too_long_for_int32_is_scored_without_the_kernel(monkeypatch):
    """The kernel counts in int32 and does not look whether that is enough; emoji make a text up to
    33 times as long."""
    assert sentiment.vader.LONGEST * kernel.LARGEST_GROWTH < 2**31
    given = ["good " * 10, "not bad", "\U0001f600" * 11]
    wanted = sentiment.columns(*buffered(given))
    sizes = []
    run = sentiment.vader._kernel()

    def spied(data, starts, ends, *rest):
        sizes.extend((ends - starts).tolist())
        run(data, starts, ends, *rest)

    monkeypatch.setattr(sentiment.vader, "_kernel", lambda: spied)
    monkeypatch.setattr(sentiment.vader, "LONGEST", 50)
    assert (sentiment.columns(*buffered(given[:2])) == wanted[:, :2]).all()
    assert sizes == [50, 7], "50 bytes are not too long"
    monkeypatch.setattr(sentiment.vader, "LONGEST", 43)
    assert (sentiment.columns(*buffered(given)) == wanted).all()
    assert sizes == [50, 7]
