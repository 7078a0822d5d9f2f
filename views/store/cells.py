"""H3 cells as integers: the place of a tweet, the parent of a cell, and a cell's children as a
range of numbers. The layout of the bits is H3's own (h3geo.org, "H3 index bit layout")."""

from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

FINEST = 4
"""The resolution that is stored: cells about 45 km across."""
COARSEST = 1
FEW = 3
"""Fewer tweets than this would show where one person was: they are drawn in a larger cell."""

Cells = NDArray[np.uint64]
Sums = NDArray[np.int64]

_DIGIT_BITS, _DIGITS, _RESOLUTION_AT = 3, 15, 52


def cell_of(lat: float, lon: float) -> int:
    """The cell of a place."""
    return int(h3.latlng_to_cell(lat, lon, FINEST))


def may_be_shown(number: int) -> bool:
    """Whether a number is a cell of a resolution that is on the map."""
    return bool(h3.is_valid_cell(number)) and COARSEST <= h3.get_resolution(number) <= FINEST


def parents(cells: Cells, resolution: int) -> Cells:
    """The cell of this resolution that each cell lies in; all have a finer or the same one."""
    unused = np.uint64((1 << (_DIGIT_BITS * (_DIGITS - resolution))) - 1)
    bare = cells & ~np.uint64(0xF << _RESOLUTION_AT)
    return bare | np.uint64(resolution << _RESOLUTION_AT) | unused


def children(cell: int) -> tuple[int, int]:
    """The least and the greatest number that a cell of the finest resolution within `cell` has."""
    resolution = cell >> _RESOLUTION_AT & 0xF
    bare = cell & ~(0xF << _RESOLUTION_AT) | FINEST << _RESOLUTION_AT
    low = bare
    for digit in range(resolution + 1, FINEST + 1):
        low &= ~(7 << _DIGIT_BITS * (_DIGITS - digit))
    return low, bare


def merged(cells: Cells, sums: Sums) -> tuple[Cells, Sums]:
    """Equal cells as one, their rows of `sums` added, in the cells' order."""
    if not len(cells):
        return cells, sums
    order = np.argsort(cells, kind="stable")
    cells, sums = cells[order], sums[order]
    starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
    return cells[starts], np.add.reduceat(sums, starts, axis=0)


def shown(cells: Cells, sums: Sums, resolution: int) -> tuple[Cells, Sums]:
    """The cells of a resolution, `sums[:, 0]` being their number of tweets; those with FEW tweets
    go into their parents, down to the coarsest resolution."""
    done = []
    cells, sums = merged(parents(cells, resolution), sums)
    for coarser in range(resolution - 1, COARSEST - 1, -1):
        few = sums[:, 0] < FEW
        done.append((cells[~few], sums[~few]))
        cells, sums = merged(parents(cells[few], coarser), sums[few])
    done.append((cells, sums))
    # a coarse cell may have been there already: its tweets stand in it once
    return merged(np.concatenate([c for c, _ in done]), np.concatenate([s for _, s in done]))


def boundaries(cells: Cells) -> NDArray[np.float64]:
    """(cells, 6, 2): the corners [lon, lat] of each cell; a pentagon's last corner stands twice.

    A cell over the date line has longitudes beyond 180 rather than a jump.
    """
    data = b"".join(map(_corners, cells.tolist()))
    out = np.frombuffer(data, np.float64).reshape(len(cells), 6, 2).copy()
    wide = np.ptp(out[:, :, 0], axis=1) > 180
    lons = out[wide, :, 0]
    out[wide, :, 0] = np.where(lons < 0, lons + 360, lons)
    return out


@lru_cache(maxsize=1 << 15)
def _corners(cell: int) -> bytes:
    corners = [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)][:6]
    return np.array(corners + [corners[-1]] * (6 - len(corners))).tobytes()
