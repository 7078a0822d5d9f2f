"""What the views ask a store. Read only, in another process than the follower's.

A range of time is (from, until) in seconds since 1970; None is everything.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from views.store import cells as h3
from views.store import levels, words
from views.store.fold import SCALE
from views.store.tables import LAYOUT

Range = tuple[int, int] | None
Row = dict[str, Any]


class NoStore(Exception):
    """There is nothing to show yet."""


class View:
    """The store at `path` as it is now, however it changes, until it is closed. Raises NoStore
    where there is none, or one of another layout."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )
            self._db.execute("BEGIN")
            if self._one("PRAGMA user_version")[0] != LAYOUT:
                raise NoStore(path)
        except sqlite3.OperationalError:
            raise NoStore(path) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def frontier(self) -> Row:
        """Which batches are in the store, their sums, and what is covered; empty before the
        first."""
        names = "identity, low, next, covered, newest, newest_ms, tweets, deleted, rejected, above"
        row = self._db.execute(f"SELECT {names} FROM frontier").fetchone()
        return dict(zip(names.split(", "), row, strict=True)) if row else {}

    def covered(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """The offsets that the output's newest batch says are published."""
        rows = json.loads(self.frontier().get("covered", "[]") or "[]")
        return {(topic, number): [(a, b) for a, b in spans] for topic, number, spans in rows or []}

    def status(self) -> Row:
        """What the follower last said of itself: state, message, at."""
        row = self._db.execute("SELECT state, message, at FROM status").fetchone()
        return dict(zip(("state", "message", "at"), row or ("starting", "", 0.0), strict=True))

    def totals(self, span: Range) -> Row:
        """Tweets by label, mean compound, and how many have a point or a place."""
        rows = self._grouped("totals", "label", "n, compound, points, places", span)
        labels = [0, 0, 0]
        for label, n, *_ in rows:
            labels[label] += n
        n, compound, points, places = (sum(row[i] for row in rows) for i in (1, 2, 3, 4))
        mean = compound / n / SCALE if n else 0.0
        return {"tweets": n, "labels": labels, "mean": mean, "points": points, "places": places}

    def series(self, span: Range) -> Row:
        """Bars over time: their size, the range, and (bucket, positive, neutral, negative) each."""
        newest = self.frontier().get("newest", 0)
        start, until = span or self.extent()
        size = levels.series_size(start, until, newest)
        rows = self._db.execute(
            "SELECT bucket, sum(n * (label = 0)), sum(n * (label = 1)), sum(n * (label = 2)) "
            "FROM totals WHERE size = ? AND bucket >= ? AND bucket < ? "
            "GROUP BY bucket",
            (size, levels.bucket(size, start), until),
        ).fetchall()
        return {"size": size, "from": start, "until": until, "bars": rows}

    def extent(self) -> tuple[int, int]:
        """From the first tweet's bucket to the end of the newest one's minute."""
        newest = self.frontier().get("newest", 0)
        first = self._one("SELECT min(bucket) FROM totals WHERE size = ?", levels.DAY)[0] or 0
        for size in (levels.HOUR, levels.MINUTE):
            if first >= levels.begins(size, newest):
                query = "SELECT min(bucket) FROM totals WHERE size = ? AND bucket >= ?"
                first = self._one(query, size, first)[0] or first
        return first, newest + levels.MINUTE

    def languages(self, span: Range, limit: int) -> list[Row]:
        """The most frequent languages, with their labels."""
        names = dict(self._db.execute("SELECT number, name FROM languages"))
        found: dict[int, list[int]] = {}
        for lang, label, n, compound in self._grouped("totals", "lang, label", "n, compound", span):
            row = found.setdefault(lang, [0, 0, 0, 0])
            row[label] += n
            row[3] += compound
        most = sorted(found.items(), key=lambda item: -sum(item[1][:3]))[:limit]
        return [
            {
                "name": names[lang],
                "n": sum(row[:3]),
                "labels": row[:3],
                "mean": row[3] / sum(row[:3]) / SCALE,
            }
            for lang, row in most
        ]

    def terms(self, kind: str, span: Range, limit: int) -> Row:
        """The most frequent terms of a kind (tag, country, reason). Each count is at most `low`
        too small."""
        rows = self._grouped("terms", "term", "n, compound", span, f"kind = '{kind}'")
        most = sorted(rows, key=lambda row: (-row[1], row[0]))[:limit]
        low = sum(row[1] for row in self._grouped("cuts", "kind", "n", span, f"kind = '{kind}'"))
        terms = [{"name": term, "n": n, "mean": c / n / SCALE} for term, n, c in most]
        return {"terms": terms, "low": low}

    def words(self, span: Range, limit: int) -> Row:
        """The words that moved the score most, up and down: count and count x valence."""
        known, rows = words.lexicon(), self._grouped("terms", "term", "n", span, "kind = 'word'")
        moved = sorted((n * known.get(word, 0), word, n) for word, n in rows)
        as_rows = [{"name": word, "n": n, "moved": round(by, 1)} for by, word, n in moved]
        up = [row for row in reversed(as_rows) if row["moved"] > 0][:limit]
        return {"up": up, "down": [row for row in as_rows if row["moved"] < 0][:limit]}

    def cells(self, span: Range, resolution: int, lang: str = "") -> tuple[h3.Cells, h3.Sums]:
        """The map: cells, and for each its tweets and the sum of their compounds."""
        where = ""
        if lang:
            query = "SELECT number FROM languages WHERE name = ?"
            where = f"lang = {(self._db.execute(query, (lang,)).fetchone() or [-1])[0]}"
        rows = self._grouped("cells", "cell", "n, compound", span, where)
        table = np.array(rows, np.int64).reshape(-1, 3)
        return h3.shown(table[:, 0].astype(np.uint64), table[:, 1:], resolution)

    def examples(self, cell: int | None, limit: int) -> list[Row]:
        """The newest tweets in a cell of any resolution; None is those without a place."""
        low, high = h3.children(cell) if cell else (0, 0)
        names = ("at", "id", "lang", "author", "place", "compound", "text")
        rows = self._db.execute(
            f"SELECT {', '.join(names)} FROM examples WHERE cell BETWEEN ? AND ? "
            "ORDER BY at DESC LIMIT ?",
            (low, high, limit),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def batches(self, limit: int, before: int | None = None) -> list[Row]:
        """The newest batches, or those below a number, newest first."""
        names = (
            "seq, epoch, approach, at, tweets, deleted, rejected, files, bytes, median_ms, "
            "late_ms, newest_ms, sha256, previous, lost"
        )
        rows = self._db.execute(
            f"SELECT {names} FROM batches WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            (1 << 62 if before is None else before, limit),
        )
        return [dict(zip(names.split(", "), row, strict=True)) for row in rows]

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    def _grouped(
        self, table: str, keys: str, sums: str, span: Range, where: str = ""
    ) -> list[tuple[Any, ...]]:
        """(keys, sums) of a table over a range of time; keys, sums and `where` are ours."""
        if span is None:  # one bucket, in the key's order: nothing has to be sorted
            either, values = "size = ? AND bucket = ?", [levels.ALL, 0]
        else:
            runs = levels.runs(*span, self.frontier().get("newest", 0))
            either = " OR ".join(["size = ? AND bucket >= ? AND bucket < ?"] * len(runs)) or "0"
            values = [value for run in runs for value in run]
        added = ", ".join(f"sum({name})" for name in sums.split(", "))
        query = f"SELECT {keys}, {added} FROM {table} WHERE ({either})"
        query += f" AND {where}" if where else ""
        return self._db.execute(f"{query} GROUP BY {keys}", values).fetchall()


@contextmanager
def opened(paths: Iterable[Path]) -> Iterator[list[View | None]]:
    """The views of these stores, until the end of the block; None where there is no store yet."""
    with ExitStack() as stack:
        views: list[View | None] = []
        for path in paths:
            try:
                views.append(stack.enter_context(closing(View(path))))
            except NoStore:
                views.append(None)
        yield views
