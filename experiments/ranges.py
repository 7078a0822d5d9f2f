"""Offsets as people read them."""

from collections.abc import Iterable


def as_ranges(places: Iterable[tuple[int, int]]) -> list[str]:
    """Sorted (partition, offset) as half-open ranges, `0:[120, 480)`."""
    out: list[list[int]] = []
    for part, offset in places:
        if out and out[-1][0] == part and out[-1][2] == offset:
            out[-1][2] += 1
        else:
            out.append([part, offset, offset + 1])
    return [f"{part}:[{begin}, {until})" for part, begin, until in out]
