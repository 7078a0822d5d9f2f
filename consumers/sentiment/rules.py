"""VADER's rules over numbered words. One source for both ways: Python runs it as it is, numba
compiles it into the kernel.

A text is a sequence `words` of `number << 1 | capital` (numbers as in lexicon.py; capital: the word
is in upper case), with two zeros behind the last; `t` holds the lexicon's columns, as lists or as
arrays. Additions and multiplications keep vaderSentiment's order: each is rounded. A zero's sign is
free up to the end, where all but `compound` are absolute values.
"""

import math

from consumers.compiled import jitable
from consumers.sentiment.lexicon import NO_IDIOM, RULE_WORDS, WIDTH

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

THRESHOLD = 0.05  # of a label: the package's own recommendation
CAPITALS = 0.733  # vaderSentiment's C_INCR
REVERSED = -0.74  # its N_SCALAR
NO, OR, NOR, NEVER, SO, THIS = map(RULE_WORDS.index, ("no", "or", "nor", "never", "so", "this"))
WITHOUT, DOUBT, LEAST, AT, VERY = map(RULE_WORDS.index, ("without", "doubt", "least", "at", "very"))
BUT, KIND, OF = map(RULE_WORDS.index, ("but", "kind", "of"))


@jitable
def weigh(words, hits, hit_count, differs, t, values, places):
    """Write the valences other than 0 of the lexicon's words at `hits`, and their places; returns
    how many.

    `differs`: some but not all words are in upper case.
    """
    count = 0
    for k in range(hit_count):
        i = hits[k]
        if words[i] >> 1 == KIND and words[i + 1] >> 1 == OF:
            continue
        value = _valence(words, i, differs, t)
        if value != 0.0:
            values[count] = value
            places[count] = i
            count += 1
    return count


@jitable
def _valence(words, i, differs, t):
    lexical = t.valence[words[i] >> 1]
    value = lexical
    # "no" is both a word of the lexicon and a negator of the next one.
    if words[i] >> 1 == NO and t.valence[words[i + 1] >> 1] != 0.0:
        value = 0.0
    if i > 0 and _follows_no(words, i):
        value = lexical * REVERSED
    if differs and words[i] & 1:
        value = value + CAPITALS if value > 0 else value - CAPITALS
    for back in range(1, min(i, 3) + 1):
        word = words[i - back]
        if t.valence[word >> 1] != 0.0:
            continue
        step = t.booster[word >> 1]
        if step != 0.0:
            value += _boost(step, value, back, differs and word & 1)
        value *= _negation(words, i, back, t)
        if back == 3:
            value = _idioms(value, words, i, t)
    if i > 0 and words[i - 1] >> 1 == LEAST and not (i > 1 and words[i - 2] >> 1 in (AT, VERY)):
        value *= REVERSED
    return value


@jitable
def _follows_no(words, i):
    one = words[i - 1] >> 1
    if one == NO or (i > 1 and words[i - 2] >> 1 == NO):
        return True
    return i > 2 and words[i - 3] >> 1 == NO and one in (OR, NOR)


@jitable
def _boost(step, value, back, capital):
    if value < 0:
        step = -step
    if capital:
        step = step + CAPITALS if value > 0 else step - CAPITALS
    if back == 2:
        return step * 0.95
    if back == 3:
        return step * 0.9
    return step


@jitable
def _negation(words, i, back, t):
    """The factor for the word `back` places before. Times 1.0 changes nothing."""
    one, near = words[i - 1] >> 1, words[i - back] >> 1
    if back > 1:
        two = words[i - 2] >> 1
        strengthened = near == NEVER and two in (SO, THIS)
        if back == 2:
            strengthened = near == NEVER and one in (SO, THIS)
        # Python binds `and` before `or`: at three places "so" or "this" before the word is enough,
        # without any "never".
        if strengthened or (back == 3 and one in (SO, THIS)):
            return 1.25
        if near == WITHOUT and (one == DOUBT or (back == 3 and two == DOUBT)):
            return 1.0
    return REVERSED if t.negator[near] else 1.0


@jitable
def _pair(one, two, t):
    return t.pairs[one * WIDTH + two] if one < WIDTH and two < WIDTH else 0


@jitable
def _triple(pair, three, t):
    return t.triples[pair * WIDTH + three] if three < WIDTH else 0


@jitable
def _idioms(value, words, i, t):
    """The first idiom that ends at the word or before it; one that starts with it wins over that;
    then "kind of" and its like."""
    three, two, one, here = words[i - 3] >> 1, words[i - 2] >> 1, words[i - 1] >> 1, words[i] >> 1
    after = words[i + 1] >> 1
    early, middle = _pair(three, two, t), _pair(two, one, t)
    late, ahead = _pair(one, here, t), _pair(here, after, t)
    if early + middle + late + ahead == 0:
        return value
    for sequence in (late, _triple(middle, here, t), middle, _triple(early, one, t), early):
        if t.idiom[sequence] != NO_IDIOM:
            value = t.idiom[sequence]
            break
    for sequence in (ahead, _triple(ahead, words[i + 2] >> 1, t)):
        if t.idiom[sequence] != NO_IDIOM:
            value = t.idiom[sequence]
    return value + t.dampener[early] + t.dampener[middle]


@jitable
def emphasis(bangs, questions):
    """What "!" (up to four) and "?" (from two on) add."""
    added = min(bangs, 4) * 0.292
    if questions > 3:
        return added + 0.96
    return added + questions * 0.18 if questions > 1 else added


@jitable
def shares(values, count, neutral, added, compensated):
    """compound, neg, neu and pos, not yet rounded, of `count` valences and `neutral` neutral words;
    `added` is from emphasis()."""
    total = _sum(values, count, compensated)
    if total > 0:
        total += added
    elif total < 0:
        total -= added
    positive, negative = 0.0, 0.0
    for k in range(count):
        if values[k] > 0:
            positive += values[k] + 1.0
        else:
            negative += values[k] - 1.0
    if positive > math.fabs(negative):
        positive += added
    elif positive < math.fabs(negative):
        negative -= added
    whole = positive + math.fabs(negative) + neutral
    compound = min(max(total / math.sqrt(total * total + 15), -1.0), 1.0)
    return compound, math.fabs(negative / whole), neutral / whole, positive / whole


@jitable
def _sum(values, count, compensated):
    """Python's sum(): from CPython 3.12 on compensated by Neumaier's way, before that plain. Zeros
    change neither."""
    total, lost = 0.0, 0.0
    for k in range(count):
        value = values[k]
        new = total + value
        if math.fabs(total) >= math.fabs(value):
            lost += (total - new) + value
        else:
            lost += (value - new) + total
        total = new
    return total + lost if compensated else total


@jitable
def verdict(compound):
    """The place of a text's label in LABELS."""
    return 2 if compound >= THRESHOLD else 0 if compound <= -THRESHOLD else 1
