"""Tells waiting pages that a store has changed."""

import asyncio
import sqlite3
import time
from pathlib import Path

LOOK_S, WAIT_S, WAITING = 0.1, 20.0, 40
"""Seconds between two looks at the stores, seconds that a page waits, and pages that may wait."""


class Full(Exception):
    """Too many pages wait already."""


class Changes:
    """A number that grows when one of the stores changes."""

    def __init__(self, stores: list[Path]) -> None:
        # another process may have been here before: pages must see that this one is newer
        self.version = int(time.time() * 1000)
        self._stores: dict[Path, sqlite3.Connection] = {}
        self._paths, self._seen, self._waiting = stores, [0] * len(stores), 0
        self._news = asyncio.Event()

    async def watch(self) -> None:
        """Look at the stores while a page waits, until cancelled."""
        while True:
            if self._waiting:
                self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        seen = [self._state(path) for path in self._paths]
        if seen != self._seen:
            self._seen, self.version = seen, self.version + 1
            self._news.set()
            self._news = asyncio.Event()

    async def after(self, version: int) -> int:
        """The first version that is not this one; the same one when nothing changes for long.
        Raises Full."""
        if self._waiting >= WAITING:
            raise Full
        self._look()
        if version == self.version:
            self._waiting += 1
            try:
                await asyncio.wait_for(self._news.wait(), WAIT_S)
            except asyncio.TimeoutError:
                pass
            finally:
                self._waiting -= 1
        return self.version

    def _state(self, path: Path) -> int:
        try:
            if path not in self._stores:
                uri = f"{path.absolute().as_uri()}?mode=ro"
                self._stores[path] = sqlite3.connect(uri, uri=True)
            (version,) = self._stores[path].execute("PRAGMA data_version").fetchone()
            return int(version)
        except sqlite3.Error:
            return 0
