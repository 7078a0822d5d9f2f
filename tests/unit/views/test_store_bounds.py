"""What the store keeps, and for how long, whatever strangers write."""

import sqlite3
import threading
from pathlib import Path
from random import Random

import pytest

from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, tweet
from views.follow import Follower
from views.store import tables
from views.store.frontier import Store


def test_the_store_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers write languages, hashtags and places: no more of each is kept than was set."""
    monkeypatch.setattr(tables, "LANGUAGES", 10)
    monkeypatch.setattr("views.store.adding.LANGUAGES", 10)
    monkeypatch.setattr("views.store.adding.TERMS_KEPT", dict.fromkeys((60, 3600, 86400, 0), 20))
    monkeypatch.setattr("views.store.adding.EXAMPLES_KEPT", 30)
    monkeypatch.setattr("views.store.adding.BATCHES_KEPT", 5)
    files, dice = MemoryFiles(), Random(1)
    output = opened(files)
    for n in range(10):
        publish(
            output,
            [
                tweet(
                    0,
                    dice,
                    id=f"{n}-{k}",
                    lang=f"x{n}{k}",
                    hashtags=[f"t{n}-{k}", "often"],
                    lat=k * 2.0 - 40,
                    lon=n * 10.0 + 5,
                )
                for k in range(40)
            ],
        )
    Follower(FromFiles(files), Store(tmp_path / "a")).catch_up()
    db = sqlite3.connect(tmp_path / "a")
    count = lambda query: db.execute(query).fetchone()[0]  # noqa: E731
    assert count("SELECT count(*) FROM languages") <= 11
    assert count("SELECT count(*) FROM terms WHERE size = 0 AND kind = 'tag'") <= 40
    assert count("SELECT count(*) FROM examples") <= 33
    assert count("SELECT count(*) FROM batches") <= 6
    assert count("SELECT sum(n) FROM totals WHERE size = 0 AND lang = -1") == 400
    often = count("SELECT n FROM terms WHERE size = 0 AND term = 'often'")
    assert often <= 400 <= often + (count("SELECT n FROM cuts WHERE size = 0") or 0)


def test_every_bucket_ends_in_time(tmp_path: Path) -> None:
    """Minutes go after two days, hours after 90; days stay."""
    files, dice = MemoryFiles(), Random(1)
    output = opened(files)
    for day in ("2026-05-01", "2026-11-10", "2026-11-20"):
        publish(output, [tweet(1, dice, created_at=f"{day}T10:11:12.000Z")])
    store = Store(tmp_path / "a")
    store.begin(None)
    Follower(FromFiles(files), store).catch_up()
    db = sqlite3.connect(tmp_path / "a")
    rows = db.execute("SELECT size, count(DISTINCT bucket) FROM totals GROUP BY size").fetchall()
    assert dict(rows) == {0: 1, 60: 1, 3600: 2, 86_400: 3}


def test_a_reader_never_meets_a_half_made_store(tmp_path: Path) -> None:
    """Whoever looks while followers make it sees no file, or one with all its tables and its
    journal mode; and keeps no process from making it."""
    path, seen, stop = tmp_path / "a.sqlite", [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            if path.exists():
                db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
                db.execute("BEGIN")
                seen.append(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
                db.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    makers = [threading.Thread(target=Store, args=(path,)) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    stop.set()
    for thread in threads:
        thread.join()
    assert seen and len(set(seen)) == 1
    assert [file.name for file in tmp_path.glob("a.sqlite.*")] == []
    store = Store(path)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
