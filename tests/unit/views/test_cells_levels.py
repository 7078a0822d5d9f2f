"""Cells against the H3 library, and buckets of time against counting seconds one by one."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from views.store import cells, levels

PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
NEWEST = 1_795_000_000
MOMENTS = st.integers(NEWEST - 200 * levels.DAY, NEWEST)


@given(PLACES, st.integers(0, cells.FINEST))
def test_parents_are_h3s(place: tuple[float, float], resolution: int) -> None:
    cell = cells.cell_of(*place)
    parent = int(cells.parents(np.array([cell], np.uint64), resolution)[0])
    assert parent == h3.cell_to_parent(cell, resolution)
    low, high = cells.children(parent)
    assert low <= cell <= high


def test_children_are_a_range_of_numbers() -> None:
    """Every cell of the finest resolution within the range is a child, and no other."""
    for cell in (cells.cell_of(51.5, 0), cells.cell_of(-18, 179.9), h3.get_pentagons(4)[0]):
        parent = h3.cell_to_parent(cell, 1)
        low, high = cells.children(parent)
        mine = list(h3.cell_to_children(parent, cells.FINEST))
        beside = [c for near in h3.grid_ring(parent, 1) for c in h3.cell_to_children(near, 4)]
        assert all(low <= child <= high for child in mine)
        assert not any(low <= child <= high for child in beside)


@given(st.lists(st.tuples(PLACES, st.integers(1, 9)), min_size=1, max_size=60))
@settings(max_examples=50)
def test_few_tweets_are_drawn_in_a_larger_cell_and_none_is_lost(
    tweets: list[tuple[tuple[float, float], int]],
) -> None:
    found = np.array([cells.cell_of(*place) for place, _ in tweets], np.uint64)
    sums = np.array([[n, -n] for _, n in tweets], np.int64)
    shown, totals = cells.shown(found, sums, 3)
    assert totals.sum(axis=0).tolist() == sums.sum(axis=0).tolist()
    assert len(set(shown.tolist())) == len(shown)
    for cell, (n, _) in zip(shown.tolist(), totals.tolist(), strict=True):
        assert n >= cells.FEW or h3.get_resolution(cell) == cells.COARSEST


def test_a_cell_over_the_date_line_does_not_jump() -> None:
    corners = cells.boundaries(np.array([cells.cell_of(-18.1, 179.99)], np.uint64))
    assert np.ptp(corners[0, :, 0]) < 5


@given(MOMENTS, st.integers(1, 150 * levels.DAY))
def test_runs_make_up_the_range(start: int, length: int) -> None:
    """Without gap or overlap, of buckets that are kept, and few of them."""
    until = min(start + length, NEWEST + 60)
    runs = levels.runs(start, until, NEWEST)
    first, last = levels.widened(start, until, NEWEST)
    assert first <= start and last >= until
    assert [run[1] for run in runs] == [first, *(run[2] for run in runs[:-1])]
    assert runs[-1][2] == last and len(runs) <= 5
    for size, begin, end in runs:
        assert begin % size == end % size == 0
        assert begin >= levels.begins(size, NEWEST)


@pytest.mark.parametrize("back", [1, 5, 100])
def test_a_range_is_widened_to_what_is_kept(back: int) -> None:
    """Two days back minutes are kept, 90 days back hours, then days."""
    start = NEWEST - back * levels.DAY
    size = levels.finest(start, NEWEST)
    assert size == {1: levels.MINUTE, 5: levels.HOUR, 100: levels.DAY}[back]
    assert start - levels.widened(start, NEWEST, NEWEST)[0] < size
