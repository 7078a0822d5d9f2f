"""The store's tables, and how a digest is added to them: one transaction, whole or not at all."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.errors import ConfigError
from views.store.levels import ALL, DAY, HOUR, MINUTE

LAYOUT = 3
"""A store of another layout is made again: everything in it is on HDFS."""

BATCHES_KEPT, EXAMPLES_KEPT, GONE_KEPT, LANGUAGES = 10_000, 20_000, 1_000_000, 200
TERMS_KEPT = {MINUTE: 200, HOUR: 500, DAY: 2000, ALL: 8000}
"""Terms of one kind in one bucket; up to twice as many before the rarest are cut off."""

SUMS = ("totals", "cells", "terms")
EVERY = -1
"""As a language all of them, as a label all three."""

_TABLES = """
CREATE TABLE frontier (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT, low INTEGER NOT NULL,
    next INTEGER NOT NULL, below TEXT, above TEXT, floor INTEGER NOT NULL,
    covered TEXT NOT NULL, newest INTEGER NOT NULL, newest_ms INTEGER NOT NULL,
    tweets INTEGER NOT NULL, deleted INTEGER NOT NULL, rejected INTEGER NOT NULL);
CREATE TABLE units (first INTEGER PRIMARY KEY, revision INTEGER, erased INTEGER);
CREATE TABLE status (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT, message TEXT, at REAL);
CREATE TABLE languages (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE totals (size INTEGER, lang INTEGER, bucket INTEGER, label INTEGER, n INTEGER,
    compound INTEGER, points INTEGER, places INTEGER,
    PRIMARY KEY (size, lang, bucket, label)) WITHOUT ROWID;
CREATE TABLE cells (size INTEGER, lang INTEGER, bucket INTEGER, cell INTEGER, label INTEGER,
    n INTEGER, compound INTEGER,
    PRIMARY KEY (size, lang, bucket, cell, label)) WITHOUT ROWID;
CREATE TABLE terms (size INTEGER, kind TEXT, bucket INTEGER, term TEXT, n INTEGER,
    compound INTEGER, PRIMARY KEY (size, kind, bucket, term)) WITHOUT ROWID;
CREATE TABLE cuts (size INTEGER, kind TEXT, bucket INTEGER, n INTEGER,
    PRIMARY KEY (size, kind, bucket)) WITHOUT ROWID;
CREATE TABLE examples (cell INTEGER, label INTEGER, at TEXT, id TEXT, author_id TEXT, lang TEXT,
    author TEXT, place TEXT, compound INTEGER, text TEXT,
    PRIMARY KEY (cell, label, at, id)) WITHOUT ROWID;
CREATE INDEX examples_id ON examples (id);
CREATE INDEX examples_author ON examples (author_id);
CREATE INDEX examples_at ON examples (at);
CREATE TABLE gone (id TEXT PRIMARY KEY, seq INTEGER) WITHOUT ROWID;
CREATE INDEX gone_seq ON gone (seq);
CREATE TABLE batches (seq INTEGER PRIMARY KEY, epoch INTEGER, approach TEXT, at REAL,
    tweets INTEGER, deleted INTEGER, rejected INTEGER, files INTEGER, bytes INTEGER,
    median_ms INTEGER, late_ms INTEGER, newest_ms INTEGER, sha256 TEXT, previous TEXT, lost TEXT);
"""


def opened(path: Path) -> sqlite3.Connection:
    """The store for writing; made, or made again where its layout is another one.

    Raises ConfigError where it cannot be used.
    """
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        what, remedy = (
            f"the store cannot be used ({error})",
            "stop what uses it, or delete it: it is folded again",
        )
        raise ConfigError(what, str(path), remedy) from None
    except OSError as error:
        raise ConfigError(
            f"no store here ({error.strerror})", str(path), "another --store"
        ) from None


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # a reader must not meet it half made, nor keep it from its journal mode
        new = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
        _laid_out(new, "PRAGMA journal_mode = WAL").close()
        with suppress(FileExistsError):  # another follower was first
            os.link(new, path)
        new.unlink()
    # a power cut may undo the last transactions, each whole: they are folded again
    return _laid_out(path, "PRAGMA synchronous = NORMAL")


def _laid_out(path: Path, pragma: str) -> sqlite3.Connection:
    """A connection to the file, which has this layout afterwards."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute(pragma)
    with transaction(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TABLE {name}")
            for statement in _TABLES.split(";")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, one writer at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


def emptied(connection: sqlite3.Connection) -> None:
    """Forget everything but the status; within a transaction."""
    for table in ("frontier", "units", "languages", *SUMS, "cuts", "examples", "gone", "batches"):
        connection.execute(f"DELETE FROM {table}")
