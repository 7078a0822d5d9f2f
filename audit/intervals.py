"""Half-open intervals of offsets, as sorted lists of disjoint, not touching, not empty ones."""

from bisect import bisect_right

Intervals = list[tuple[int, int]]


def merged(intervals: Intervals) -> Intervals:
    """The offsets of all these intervals, whatever their order."""
    out: Intervals = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        elif start < end:
            out.append((start, end))
    return out


def minus(intervals: Intervals, others: Intervals) -> Intervals:
    """The offsets of the first that are not in the second."""
    out: Intervals = []
    for start, end in intervals:
        at = max(0, bisect_right(others, (start,)) - 1)
        while at < len(others) and others[at][0] < end:
            if others[at][0] > start:
                out.append((start, others[at][0]))
            start = max(start, others[at][1])
            at += 1
        if start < end:
            out.append((start, end))
    return out


def holds(intervals: Intervals, offset: int) -> bool:
    """Whether the offset is in one of them."""
    at = bisect_right(intervals, (offset, float("inf")))
    return at > 0 and offset < intervals[at - 1][1]


def of_offsets(offsets: set[int]) -> Intervals:
    """The intervals that these offsets form."""
    return merged([(offset, offset + 1) for offset in offsets])


def size(intervals: Intervals) -> int:
    """How many offsets they hold."""
    return sum(end - start for start, end in intervals)
