"""Keeps records in memory between the thread that reads and the one that sends: for sources that
can be read again."""

import threading
from collections.abc import Iterable
from typing import NamedTuple

HELD_BYTES = 8 * 1024 * 1024
RECORD_OVERHEAD_BYTES = 200  # what Python keeps beside key and value


class Entry(NamedTuple):
    """A record to be sent, under the number by which it is crossed off."""

    number: int
    key: bytes | None
    value: bytes | None


class Backlog:
    """Does what the spool does, without a disk: bounded, in order, gone with the process. `waiting`
    records are not settled yet."""

    position, trouble, found, unwritten, error = "", "", 0, 0, None

    def __init__(self) -> None:
        self.waiting = 0
        self._entries: list[Entry] = []
        self._bytes = self._next = 0
        self._changed = threading.Condition()

    full_ratio = 0.0  # it takes no disk

    @property
    def has_room(self) -> bool:
        """Whether reading may continue."""
        return self._bytes < HELD_BYTES

    def wait_for_room(self, seconds: float) -> None:
        """Wait until there is room, for up to `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room, seconds)

    def append(self, key: bytes | None, value: bytes | None, _position: str = "") -> None:
        """Hand one record over. Never waits: look at `has_room` first."""
        with self._changed:
            self._entries.append(Entry(self._next, key, value))
            self._next += 1
            self.waiting += 1
            self._bytes += len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
            if len(self._entries) == 1:
                self._changed.notify_all()

    def take(self, seconds: float) -> list[Entry]:
        """Everything handed over since, in order; waits up to `seconds` for something."""
        with self._changed:
            if not self._entries and seconds:
                self._changed.wait_for(lambda: self._entries, seconds)
            taken, self._entries, self._bytes = self._entries, [], 0
            self._changed.notify_all()
        return taken

    def cross_off(self, numbers: Iterable[int]) -> None:
        """These records are settled."""
        with self._changed:
            self.waiting -= len(list(numbers))

    def rewind(self) -> None:
        """Nothing is kept that could be sent again: a failure ends the run."""

    def close(self) -> None:
        """There is nothing to be written."""
