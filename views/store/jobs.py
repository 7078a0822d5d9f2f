"""What the two columns say of each output: how fast, how far behind, who published it, and what
both have covered. All from manifests: it survives every driver."""

from typing import Any

from consumers.output.manifests import Interval, missing
from views.store.queries import Row, View

RECENT, RATE_S = 120, 60.0
"""How many batches the lines show, and the seconds over which a rate is taken."""


def column(view: View, now: float) -> Row:
    """One output's column: figures, its recent batches, oldest first, and marks."""
    frontier, recent = view.frontier(), view.batches(RECENT)
    if not frontier:
        return {"batches": 0, "recent": [], "marks": [], "tweets": 0, "rate": 0.0}
    last = recent[0] if recent else None
    fresh = [row for row in recent if now - row["at"] <= RATE_S]
    return {
        "identity": frontier["identity"],
        "batches": frontier["next"],
        "missing": frontier["low"] - frontier["floor"],  # batches that are not folded yet
        "tweets": frontier["tweets"],
        "deleted": frontier["deleted"],
        "rejected": frontier["rejected"],
        "approach": last and last["approach"],
        "epoch": last and last["epoch"],
        "last": last,
        "newest_ms": frontier["newest_ms"],
        "rate": sum(row["tweets"] for row in fresh) / RATE_S,
        "recent": [
            {name: row[name] for name in ("seq", "at", "tweets", "median_ms", "late_ms")}
            for row in reversed(recent)
        ],
        "marks": marks(recent),
    }


def marks(newest_first: list[Row]) -> list[Row]:
    """Where another driver continued: a restart, or a takeover by the other approach."""
    out = []
    for later, earlier in zip(newest_first, newest_first[1:], strict=False):
        if later["seq"] == earlier["seq"] + 1 and later["epoch"] != earlier["epoch"]:
            took = later["approach"] != earlier["approach"]
            out.append(
                {
                    "seq": later["seq"],
                    "at": later["at"],
                    "kind": "takeover" if took else "restart",
                    "by": later["approach"],
                    "of": earlier["approach"],
                    "pause_s": round(later["at"] - earlier["at"], 1),
                }
            )
    return out


def behind(columns: list[Row]) -> None:
    """Put `behind_s` into each column: how much newer the newest record of another output is. It
    compares records' times, so on a silent topic neither output is behind."""
    newest = max((column.get("newest_ms", 0) for column in columns), default=0)
    for column in columns:
        column["behind_s"] = (newest - column.get("newest_ms", 0)) / 1000 if newest else 0.0


def coverage(one: View, other: View) -> list[Row]:
    """For each partition the number of offsets covered by both, by the first and by the second
    output only."""
    first, second = one.covered(), other.covered()
    rows = []
    for key in sorted(first.keys() | second.keys()):
        mine, theirs = first.get(key, []), second.get(key, [])
        only_first, only_second = _beyond(mine, theirs), _beyond(theirs, mine)
        both = sum(end - start for start, end in mine) - only_first
        rows.append(
            {
                "topic": key[0],
                "partition": key[1],
                "both": both,
                "only": [only_first, only_second],
            }
        )
    return rows


def _beyond(mine: list[Interval], theirs: list[Interval]) -> int:
    """The number of offsets in `mine` that are not in `theirs`."""
    return sum(end - start for wanted in mine for start, end in missing(theirs, wanted))


def headline(name: str, column: dict[str, Any]) -> str:
    """One sentence about an output, for terminals and screen readers."""
    if not column["batches"]:
        return f"{name}: nothing is published yet"
    return (
        f"{name}: {column['tweets']:,} tweets in {column['batches']:,} batches, "
        f"{column['rate']:.1f} tweets/s, {column['behind_s']:.1f} s behind"
    )
