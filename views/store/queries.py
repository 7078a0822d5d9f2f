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
from views.store import levels
from views.store.fold import SCALE
from views.store.tables import EVERY, LANGUAGES, LAYOUT

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
        names = "identity, low, next, floor, covered, newest, newest_ms, tweets, deleted, rejected"
        names += ", above"
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
        sums = "n, compound, points, places"
        rows = self._grouped("totals", "label", sums, span, f"lang = {EVERY}")
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
            "FROM totals WHERE size = ? AND lang = ? AND bucket >= ? AND bucket < ? "
            "GROUP BY bucket",
            (size, EVERY, levels.bucket(size, start), until),
        ).fetchall()
        return {"size": size, "from": start, "until": until, "bars": rows}

    def extent(self) -> tuple[int, int]:
        """From the first tweet's bucket to the end of the newest one's minute."""
        newest = self.frontier().get("newest", 0)
        least = "SELECT min(bucket) FROM totals WHERE size = ? AND lang = ? AND bucket >= ?"
        first = self._one(least, levels.DAY, EVERY, 0)[0] or 0
        for size in (levels.HOUR, levels.MINUTE):
            if first >= levels.begins(size, newest):
                first = self._one(least, size, EVERY, first)[0] or first
        return first, newest + levels.MINUTE

    def languages(self, span: Range, limit: int) -> list[Row]:
        """The most frequent languages, with their labels."""
        names = dict(self._db.execute("SELECT number, name FROM languages"))
        found: dict[int, list[int]] = {}
        each = "lang IN (SELECT number FROM languages)"
        rows = self._grouped("totals", "lang, label", "n, compound", span, each)
        for lang, label, n, compound in rows:
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
        where = f"kind = '{kind}'"
        most = self._grouped(
            "terms", "term", "n, compound", span, where, f"ORDER BY 2 DESC, 1 LIMIT {limit}"
        )
        low = sum(row[1] for row in self._grouped("cuts", "kind", "n", span, where))
        terms = [{"name": term, "n": n, "mean": c / n / SCALE} for term, n, c in most]
        return {"terms": terms, "low": low}

    def words(self, span: Range, limit: int) -> Row:
        """The words that moved the score most, up and down: count and count x valence."""
        found = {}
        for name, sign, order in (("up", ">", "DESC"), ("down", "<", "ASC")):
            rows = self._grouped(
                "terms",
                "term",
                "n, compound",
                span,
                "kind = 'word'",
                f"HAVING sum(compound) {sign} 0 ORDER BY 3 {order}, 1 LIMIT {limit}",
            )
            found[name] = [
                {"name": word, "n": n, "moved": round(moved / SCALE, 1)} for word, n, moved in rows
            ]
        return found

    def cells(self, span: Range, resolution: int, lang: str = "") -> tuple[h3.Cells, h3.Sums]:
        """The map: cells, and for each its tweets and the sum of their compounds."""
        number = EVERY
        if lang:
            found = self._one("SELECT number FROM languages WHERE name = ?", lang)
            number = found[0] if found else LANGUAGES + 1
        rows = self._grouped("cells", "cell", "n, compound", span, f"lang = {number}")
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
        self, table: str, keys: str, sums: str, span: Range, where: str, rest: str = ""
    ) -> list[tuple[Any, ...]]:
        """(keys, sums) of a table over a range of time; keys, sums, `where` and what follows are
        ours. `where` is on the key's column before the bucket: no row is read in vain."""
        runs: list[levels.Run] = [(levels.ALL, 0, 1)]
        if span is not None:
            runs = levels.runs(*span, self.frontier().get("newest", 0))
        if not runs:
            return []
        part = f"SELECT {keys}, {sums} FROM {table} WHERE size = ? AND {where} AND "
        parts, values = list[str](), list[int]()
        for size, start, until in runs:
            one = until - start <= size or size == levels.ALL  # then nothing has to be sorted
            parts.append(part + ("bucket = ?" if one else "bucket >= ? AND bucket < ?"))
            values += [size, start] if one else [size, start, until]
        added = ", ".join(f"sum({name})" for name in sums.split(", "))
        query = f"SELECT {keys}, {added} FROM ({' UNION ALL '.join(parts)}) GROUP BY {keys} {rest}"
        return self._db.execute(query, values).fetchall()


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
