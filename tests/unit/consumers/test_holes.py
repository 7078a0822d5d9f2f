"""A hole above the frontier: told when it stays, left alone while blocks come out of order."""

import pytest

from config.errors import PipelineError
from consumers.output import holes
from consumers.output.manifests import Covered


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_hole_that_stays_ends_the_job() -> None:
    clock = Clock()
    watched = holes.Holes(clock)
    covered: Covered = {("tweets", 0): [(0, 5), (9, 20)], ("tweets", 1): [(3, 9)]}
    watched.check(covered)
    clock.now = holes.PATIENCE_S
    # more is published above it all the time
    watched.check({**covered, ("tweets", 0): [(0, 5), (9, 30)]})
    clock.now += 1
    with pytest.raises(
        PipelineError,
        match=r"have not come for 301 s, though later ones have at tweets\[0\] \[5, 9\)",
    ) as caught:
        watched.check(covered)
    assert caught.value.exit_code == 1  # so that a supervised job starts again, which reads them


def test_a_frontier_that_moves_is_no_hole_that_stays() -> None:
    clock = Clock()
    watched = holes.Holes(clock)
    for end in range(5, 50):
        clock.now += holes.PATIENCE_S
        watched.check({("tweets", 0): [(0, end), (100, 120)]})
    clock.now += 10 * holes.PATIENCE_S
    watched.check({("tweets", 0): [(0, 120)]})
    watched.check({("tweets", 0): [(0, 120), (130, 140)]})
