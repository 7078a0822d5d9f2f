"""Adds a digest to the store's tables. Each function runs within the transaction of `Store.add`."""

import sqlite3
from typing import Any

import msgspec

from views.store.fold import (
    LANGUAGE_CHARACTERS,
    NOWHERE,
    SCALE,
    TERM_CHARACTERS,
    Digest,
    seconds,
)
from views.store.levels import HOUR, MINUTE, SIZES, begins, bucket
from views.store.lines import Line
from views.store.tables import (
    BATCHES_KEPT,
    EVERY,
    EXAMPLES_KEPT,
    GONE_KEPT,
    LANGUAGES,
    SUMS,
    TERMS_KEPT,
)

_Sums = dict[tuple[Any, ...], list[int]]

TEXT_CHARACTERS = 280
OTHER = "other"
"""What every language beyond the first LANGUAGES is counted as."""
_AUTHOR = "did:"  # Bluesky: an id without a slash that begins so is an account with all its posts


def sums(connection: sqlite3.Connection, digest: Digest, newest: int, sign: int = 1) -> None:
    """Totals, cells and terms, at each size of bucket that is still kept for their minute. Totals
    and cells have rows of every language too: few questions name one. With sign -1 they are taken
    away again."""
    known = _languages(connection, {lang for _, lang, _ in digest.totals})
    totals, cells = _Sums(), _Sums()
    for (minute, lang, label), found in digest.totals.items():
        values = [sign * value for value in found]
        _add(totals, (known[lang], minute, label), values)
        _add(totals, (EVERY, minute, label), values)
    for (minute, cell, lang, label), found in digest.cells.items():
        values = [sign * value for value in found]
        _add(cells, (known[lang], minute, cell, label), values)
        _add(cells, (EVERY, minute, cell, EVERY), values)
    terms: _Sums = {key: [sign * value for value in v] for key, v in digest.terms.items()}
    _upsert(connection, "totals", "lang, bucket, label", "n compound points places", totals, newest)
    _upsert(connection, "cells", "lang, bucket, cell, label", "n compound", cells, newest)
    touched = _upsert(connection, "terms", "kind, bucket, term", "n compound", terms, newest)
    for size, kind, start in touched:
        _cut(connection, size, kind, start)


def _add(sums: _Sums, key: tuple[Any, ...], values: list[int]) -> None:
    sum_ = sums.get(key)
    sums[key] = [a + b for a, b in zip(sum_, values, strict=True)] if sum_ else values


def _upsert(
    connection: sqlite3.Connection, table: str, keys: str, values: str, rows: _Sums, newest: int
) -> set[tuple[Any, ...]]:
    """Add rows {(group, minute, key …): values} to a table at each size; returns the (size, group,
    bucket) that have changed."""
    names, touched = values.split(), set[tuple[Any, ...]]()
    columns = f"size, {keys}"
    marks = ", ".join("?" * (1 + len(keys.split(", "))))
    changes = ", ".join(f"{name} = {name} + excluded.{name}" for name in names)
    statement = (
        f"INSERT INTO {table} ({columns}, {', '.join(names)}) "
        f"VALUES ({marks}{', ?' * len(names)}) "
        f"ON CONFLICT ({columns}) DO UPDATE SET {changes}"
    )
    for size in SIZES:  # each level from the previous one, which has fewer rows
        level: _Sums = {}
        for (group, start, *key), added in rows.items():
            _add(level, (group, bucket(size, start), *key), added)
        begin, rows = begins(size, newest), level
        kept = [(size, *key, *sum_) for key, sum_ in sorted(level.items()) if key[1] >= begin]
        connection.executemany(statement, kept)
        taken = [row[: -len(names)] for row in kept if row[-len(names)] < 0]
        connection.executemany(
            f"DELETE FROM {table} WHERE ({columns}) = ({marks}) AND n <= 0", taken
        )
        touched |= {row[:3] for row in kept}
    return touched


def _languages(connection: sqlite3.Connection, names: set[str]) -> dict[str, int]:
    """The number of each language. Strangers write them, so their count is bounded."""
    known: dict[str, int] = {
        name: number for number, name in connection.execute("SELECT number, name FROM languages")
    }
    for name in sorted(names - known.keys()):
        shown = name if len(known) < LANGUAGES else OTHER
        if shown not in known:
            known[shown] = len(known)
            connection.execute("INSERT INTO languages VALUES (?, ?)", (known[shown], shown))
        known[name] = known[shown]
    return known


def _cut(connection: sqlite3.Connection, size: int, kind: str, start: int) -> None:
    """Keep the most frequent terms of a bucket; `cuts` says by how much the others, and so each
    count, may be too low (lossy counting, after Manku and Motwani 2002)."""
    where = (size, kind, start)
    query = "FROM terms WHERE size = ? AND kind = ? AND bucket = ?"
    kept = TERMS_KEPT[size]
    if connection.execute(f"SELECT count(*) {query}", where).fetchone()[0] <= 2 * kept:
        return
    rest = connection.execute(
        f"SELECT term, n {query} ORDER BY n DESC, term LIMIT -1 OFFSET ?", (*where, kept)
    ).fetchall()
    connection.executemany(
        "DELETE FROM terms WHERE size = ? AND kind = ? AND bucket = ? AND term = ?",
        [(*where, term) for term, _ in rest],
    )
    connection.execute(
        "INSERT INTO cuts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
        (*where, rest[0][1]),
    )


def gone(connection: sqlite3.Connection, digest: Digest, seq: int) -> None:
    """Take the examples of deleted tweets away, now and where they are folded later."""
    rows = [(name, seq) for name in digest.gone]
    connection.executemany("INSERT OR REPLACE INTO gone VALUES (?, ?)", rows)
    connection.executemany("DELETE FROM examples WHERE id = ?", [row[:1] for row in rows])
    accounts = [row[:1] for row in rows if row[0].startswith(_AUTHOR) and "/" not in row[0]]
    connection.executemany("DELETE FROM examples WHERE author_id = ?", accounts)
    _trim(connection, "gone", "seq", GONE_KEPT, "id")


def examples(connection: sqlite3.Connection, digest: Digest, seq: int) -> None:
    """The digest's newest tweets of each cell and label, but for those that were deleted, earlier
    or later: backfill goes from the newest batch to the oldest."""
    gone(connection, digest, seq)
    deleted = "SELECT 1 FROM gone WHERE id IN (?, ?)"
    for (cell, label), found in digest.examples.items():
        for line in found:
            if not connection.execute(deleted, (line.id, line.author_id)).fetchone():
                connection.execute(
                    f"INSERT OR REPLACE INTO examples VALUES ({', '.join('?' * 10)})",
                    (cell, label, *_example(line)),
                )
        connection.execute(
            "DELETE FROM examples WHERE cell = ? AND label = ? AND (at, id) IN (SELECT at, id "
            "FROM examples WHERE cell = ? AND label = ? ORDER BY at DESC, id DESC LIMIT -1 "
            "OFFSET ?)",
            (cell, label, cell, label, found.maxlen),
        )
    _trim(connection, "examples", "at", EXAMPLES_KEPT, "cell, label, at, id", f"cell != {NOWHERE}")


def _example(line: Line) -> tuple[Any, ...]:
    return (
        line.created_at or "",
        line.id or "",
        line.author_id or "",
        (line.lang or "und")[:LANGUAGE_CHARACTERS],
        (line.author or "")[:TERM_CHARACTERS],
        (line.place or "")[:TERM_CHARACTERS],
        round(line.sentiment.compound * SCALE) if line.sentiment else 0,
        msgspec.json.decode(line.text, type=str)[:TEXT_CHARACTERS],
    )


def batches(connection: sqlite3.Connection, digest: Digest) -> None:
    """One row for each batch, of which the newest are kept."""
    for folded in digest.batches:
        manifest = folded.manifest
        connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(manifest.seq, manifest.epoch, manifest.approach, seconds(manifest.batch_time)),
                *(manifest.counts.get(name, 0) for name in ("tweets", "deleted", "rejected")),
                *(len(manifest.files), sum(file["bytes"] for file in manifest.files)),
                *(*folded.delays_ms, folded.newest_ms, folded.sha256, manifest.previous),
                manifest.accepted_loss,
            ),
        )
    _trim(connection, "batches", "seq", BATCHES_KEPT, "seq")


def _trim(
    connection: sqlite3.Connection, table: str, by: str, kept: int, keys: str, where: str = "1"
) -> None:
    """Remove the rows with the smallest `by` when there are more than a tenth too many."""
    (count,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
    if count > kept * 1.1:
        connection.execute(
            f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table} WHERE {where} "
            f"ORDER BY {by} LIMIT ?)",
            (count - kept,),
        )


def prune(connection: sqlite3.Connection, before: int, newest: int) -> None:
    """Remove the buckets that are no longer kept, when the newest tweet's hour has changed."""
    if bucket(HOUR, before) != bucket(HOUR, newest):
        for size in (MINUTE, HOUR):
            for table in (*SUMS, "cuts"):
                connection.execute(
                    f"DELETE FROM {table} WHERE size = ? AND bucket < ?",
                    (size, begins(size, newest)),
                )
