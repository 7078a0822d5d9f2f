"""The kernel's first half: a text's bytes to numbered words.

numba mixes int64 and uint64 to float64, so whatever meets a mask or a key is made np.uint64 first.
"""

import numpy as np

from consumers.compiled import jitable, words
from consumers.compiled.blocks import (
    BLOCK,
    apostrophes,
    bangs,
    copy_block,
    lower,
    lowest,
    ones,
    questions,
    spaces,
)
from consumers.sentiment.lexicon import RULE_WORDS
from consumers.sentiment.rules import BUT
from consumers.sentiment.tables import CODE_POINTS, DESCRIBED, LOWER, OTHER, UPPER

NT = RULE_WORDS.index("n't")
SPACE, PRIME = ord(" "), ord("'")
ONE, TOP = np.uint64(1), np.uint64(63)
ROOM = 2 * BLOCK  # reading whole blocks reaches this far beyond a text


@jitable
def ascii_only(data, start, end):
    """Whether no byte is of a longer character."""
    seen = np.uint8(0)
    for i in range(start, end):
        seen |= data[i]
    return seen < 128


@jitable
def copy(data, start, end, text):
    for i in range(end - start):
        text[i] = data[start + i]
    return end - start


@jitable
def _code_point(data, at, end):
    """The code point at `at` and its number of bytes. Bytes that are not UTF-8 give some other
    character; nothing beyond `end` is read."""
    lead = np.int64(data[at])
    if lead < 0xC0:
        return lead, 1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if at + size > end:
        return CODE_POINTS, 1
    point = lead & (0x7F >> size)
    for i in range(1, size):
        point = point << 6 | np.int64(data[at + i]) & 0x3F
    return point, size


@jitable
def expanded(data, start, end, text, write, t):
    """Copy a text as one byte per code point, and emoji as their descriptions; returns the bytes'
    number. Without `write` it only counts.

    A description gets a space before it, unless one is there, but none after it: the text that
    follows sticks to it, as in the package.
    """
    at, size = start, 0
    spaced = True
    while at < end:
        point, width = _code_point(data, at, end)
        at += width
        code = np.int64(t.code[point]) if point < CODE_POINTS else OTHER
        if code < DESCRIBED:
            if write:
                text[size] = code
            size += 1
            # the package looks for this one alone, not for a tab or another of Unicode's spaces
            spaced = point == SPACE
            continue
        if not spaced:
            if write:
                text[size] = SPACE
            size += 1
        first = t.starts[code - DESCRIBED]
        if write:
            copy_block(t.described, first, text, size)
        size += t.starts[code - DESCRIBED + 1] - first
        spaced = False
    return size


@jitable
def split(s, size):
    """Find where words begin and end; returns the number of words, apostrophes, "!" and "?".

    `s.edges` gets begin and end of each word by turns, `s.primes` the apostrophes, `s.low` the text
    in lower case.
    """
    s.text[size : size + ROOM] = SPACE
    edge_count, prime_count, bang_count, question_count = 0, 0, 0, 0
    carry = ONE  # before the first byte is a space
    for base in range(0, size + 1, BLOCK):  # one byte beyond: the last word ends there
        space = spaces(s.text, base)
        edges = space ^ (space << ONE | carry)
        carry = space >> TOP
        primes = apostrophes(s.text, base)
        bang_count += ones(bangs(s.text, base))
        question_count += ones(questions(s.text, base))
        lower(s.text, s.low, base)
        while edges:
            s.edges[edge_count] = base + lowest(edges)
            edges &= edges - ONE
            edge_count += 1
        while primes:
            s.primes[prime_count] = base + lowest(primes)
            primes &= primes - ONE
            prime_count += 1
    return edge_count >> 1, prime_count, bang_count, question_count


@jitable
def number(s, count, prime_count, t):
    """Number the words between `s.edges`: into `s.words` as rules.py wants them, into `s.hits`
    those of the lexicon.

    Returns the hits, the words in upper case, and the place of the first "but" or -1.
    """
    hits, capitals, but, prime = 0, 0, -1, 0
    for i in range(count):
        begin, end = np.int64(s.edges[2 * i]), np.int64(s.edges[2 * i + 1])
        first, last = begin, end
        while first < last and t.punctuation[s.text[first]]:
            first += 1
        while last > first and t.punctuation[s.text[last - 1]]:
            last -= 1
        if last - first <= 2:  # code points: perhaps an emoticon, so what was stripped stays
            first, last = begin, end
        word = words.find(s.low, first, last - first, 0, t.keys, t.slots)
        while prime < prime_count and s.primes[prime] < end:
            at = np.int64(s.primes[prime])
            if word == 0 and at > begin and s.low[at - 1] == ord("n") and s.low[at + 1] == ord("t"):
                word = NT
            prime += 1
        capital = _is_upper(s.text, first, last, t)
        capitals += capital
        s.words[i] = word << 1 | capital
        if word == 0:
            continue
        if t.valence[word] != 0.0:
            s.hits[hits] = i
            hits += 1
        elif word == BUT and but < 0:
            but = i
    s.words[count] = s.words[count + 1] = 0
    return hits, capitals, but


@jitable
def _is_upper(text, first, last, t):
    """str.isupper(): a letter in upper case and none in lower or title case."""
    upper = 0
    for i in range(first, last):
        case = t.case[text[i]]
        if case == LOWER:
            return 0
        if case == UPPER:
            upper = 1
    return upper
