"""Buckets of time: minutes for two days, hours for 90 days, days for ever, and one of everything.

A range of time is a few runs of buckets, so that a question costs the same however long the range.
All times are seconds since 1970, UTC.
"""

MINUTE, HOUR, DAY, ALL = 60, 3600, 86_400, 0
SIZES = (MINUTE, HOUR, DAY, ALL)

MINUTES_KEPT_S, HOURS_KEPT_S = 2 * DAY, 90 * DAY
SERIES_BUCKETS = 1500
"""At most about this number of bars."""

Run = tuple[int, int, int]
"""(size, from, until): all buckets of a size in a half-open range."""


def bucket(size: int, second: int) -> int:
    """The bucket of this size that the second lies in."""
    return second // size * size if size else 0


def begins(size: int, newest: int) -> int:
    """From when on buckets of this size are kept, where the newest tweet is of `newest`."""
    if size == MINUTE:
        return bucket(HOUR, newest - MINUTES_KEPT_S)
    if size == HOUR:
        return bucket(DAY, newest - HOURS_KEPT_S)
    return 0


def finest(second: int, newest: int) -> int:
    """The smallest size of bucket that is kept for this second."""
    return next(size for size in (MINUTE, HOUR, DAY) if second >= begins(size, newest))


def widened(start: int, until: int, newest: int) -> tuple[int, int]:
    """The range with its ends moved outward to buckets that are kept."""
    first, last = finest(start, newest), finest(until, newest)
    return bucket(first, start), -bucket(last, -until)


def runs(start: int, until: int, newest: int) -> list[Run]:
    """The runs of buckets that make up a range, largest buckets where they fit."""
    start, until = widened(start, until, newest)
    out = []
    while start < until:
        for size, above in ((DAY, 0), (HOUR, DAY), (MINUTE, HOUR)):
            end = bucket(size, until)
            if above:
                end = min(end, bucket(above, start) + above if start % above else end)
            if start % size == 0 and start < end:
                out.append((size, start, end))
                start = end
                break
    return out


def series_size(start: int, until: int, newest: int) -> int:
    """The size of the bars that show a range."""
    for size in (MINUTE, HOUR):
        if (until - start) / size <= SERIES_BUCKETS and start >= begins(size, newest):
            return size
    return DAY
