"""Where records come from. Each source is a module or a folder; `producer/opening.py` says what it
offers. No source knows where its records go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
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
# a point of `--check`: its name, and a probe that returns what to add to "ok" or raises
# PipelineError
Check: TypeAlias = tuple[str, Callable[[], str]]


class Memory(NamedTuple):
    """What earlier runs kept for a source: the newest `position` of the same question, the digest
    of that `question`, the `folder` for a file of the source's own (None: there is none), and
    `kept`, which says how many of this run's records the spool has on its disk (None: there is no
    spool)."""

    position: str = ""
    question: str = ""
    folder: Path | None = None
    kept: Callable[[], int] | None = None


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
