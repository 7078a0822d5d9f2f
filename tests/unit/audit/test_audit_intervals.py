"""The audit's intervals against plain sets of offsets."""

import random

from audit.intervals import holds, merged, minus, of_offsets, size


def some(dice):
    return [
        (start, start + dice.randrange(5)) for start in dice.choices(range(30), k=dice.randrange(8))
    ]


def offsets(intervals):
    return {offset for start, end in intervals for offset in range(start, end)}


def test_they_hold_what_the_sets_hold():
    dice = random.Random(1)
    for _ in range(2000):
        first, second = merged(some(dice)), merged(some(dice))
        for found in (first, minus(first, second)):
            assert found == of_offsets(offsets(found)) and size(found) == len(offsets(found))
        assert offsets(minus(first, second)) == offsets(first) - offsets(second)
        assert {offset for offset in range(-1, 40) if holds(first, offset)} == offsets(first)
