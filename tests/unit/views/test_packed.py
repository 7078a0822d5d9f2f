"""The map's bytes say what the store says."""

from random import Random

import numpy as np

from views.page.answers import CELLS, UNITS, packed
from views.store.cells import boundaries, cell_of, shown


def test_the_packed_map_is_the_map() -> None:
    """Numbers, means and corners come back, the corners within half a unit and its rounding."""
    dice = Random(1)
    places = [(dice.uniform(-85, 85), dice.uniform(-180, 180)) for _ in range(6000)]
    cells = np.array([cell_of(*place) for place in places], np.uint64)
    sums = np.array([[dice.randint(3, 99), 5000] for _ in places], np.int64)
    cells, sums = shown(cells, sums, 3)
    data = packed(cells, sums, 3)
    count, left_out, units, _ = np.frombuffer(data, "<u4", 4).tolist()
    assert (count, count + left_out, units) == (CELLS, len(cells), UNITS[3])
    ids = np.cumsum(np.frombuffer(data, "<u8", count, 16), dtype=np.uint64)
    n = np.frombuffer(data, "<u4", count, 16 + 8 * count)
    mean = np.frombuffer(data, "<i2", count, 16 + 12 * count)
    low, high = np.frombuffer(data, "u1", 24 * count, 16 + 14 * count).reshape(2, 12, count)
    columns = np.cumsum((low + (high.astype("<i2") << 8)).astype("<i2"), axis=1, dtype=int)
    assert len(data) == 16 + 38 * count
    kept = np.isin(cells, ids)
    assert n.tolist() == sums[kept, 0].tolist()
    assert n.min() >= sums[~kept, 0].max()
    assert np.abs(mean - sums[kept, 1] / n / 100).max() <= 0.5
    corners = columns.T.reshape(count, 6, 2)
    corners[:, 1:] += corners[:, :1]
    assert np.abs(corners * 360 / units - boundaries(ids)).max() <= 360 / units
