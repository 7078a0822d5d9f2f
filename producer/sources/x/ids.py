"""X's ids are times: the milliseconds since 4 November 2010 in their upper bits ("snowflake", X's
documentation)."""

EPOCH_MS = 1_288_834_974_657
SEARCHABLE_S = 7 * 86_400 - 60  # how far recent search reaches back, less a minute for clocks


def id_at(seconds: float) -> int:
    """The smallest id of a post made at this time (seconds since 1970)."""
    return max(int(seconds * 1000) - EPOCH_MS, 0) << 22


def seconds_of(id: int) -> float:
    """When the post with this id was made (seconds since 1970)."""
    return ((id >> 22) + EPOCH_MS) / 1000
