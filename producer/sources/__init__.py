"""Where records come from: one file a source, each an iterator of Records, none of which knows
where they go."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Record(NamedTuple):
    """One tweet: its id as text (None where it has none) and its bytes as received (None: it was
    deleted).

    `position`, where it is not empty, is the source's own word for "all up to here has been handed
    over"; the spool keeps the newest one with the records, and the source gets it back at the next
    start.
    """

    id: str | None
    value: bytes | None
    position: str = ""


Records: TypeAlias = Iterator[Record]


@dataclass
class State:
    """What a source is doing, for the live line and the report. The source writes it, others read
    it."""

    now: str = "starting"  # a few words: connected; "429, connecting again in 12 s"; …
    reconnects: int = 0
    backfilled: int = 0  # records fetched afterwards, because the stream had a gap
    repeats: int = 0  # records dropped because they had been handed over before
    gaps: int = 0  # times that the server no longer had what we had missed
    gap_s: float = 0.0  # how long these gaps are, together
    bought: int = 0  # posts that the source charges for
    cost_usd: float = 0.0
