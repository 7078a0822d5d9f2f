"""The spool: what has been received lies on the disk until Kafka has acknowledged it.

A record is received -> appended and forced to the disk, in groups -> taken and sent -> crossed off when it is acknowledged. What
was not crossed off is taken again after a crash. From the moment a group is on the disk (fsync) nothing of it is lost.
One thread appends, one takes and crosses off, a third one of the spool's own writes.
"""

import errno
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from config.errors import ConfigError, DataLossRisk, PipelineError
from producer.backlog import Entry
from producer.segments import HEADER, Acknowledged, Segment, Stored, encode, load, only_user, sync, write

GATHER_S = 0.02  # what arrives within so long shares one fsync
SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENT_RECORDS = 50_000
UNWRITTEN_BYTES = 1024 * 1024  # in memory while a group is being written
SMALLEST_BYTES = 8 * 1024 * 1024
ACKNOWLEDGED_BYTES = 1024 * 1024  # beyond that its file is written anew
RETRY_S = 0.5
CLOSE_S = 2.0
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool:
    """The records of one source on their way to one topic, in `folder`, at most about `max_bytes` of them.

    `position` is the newest one on the disk, `found` the number of records that an earlier run left here, `waiting` how many are
    on the disk and not crossed off, `unwritten` how many are not on the disk yet, `trouble` why there is no room.
    Raises ConfigError for a folder that cannot be used or is another's, DataLossRisk for damaged files.
    """

    def __init__(self, folder: Path, owner: str, max_bytes: int) -> None:
        if max_bytes < SMALLEST_BYTES:
            raise ConfigError(
                f"a spool of {max_bytes} bytes is too small", "--spool-max-bytes", f"give at least {SMALLEST_BYTES}"
            )
        self.folder, self.position, self.trouble, self.waiting, self.unwritten = folder, "", "", 0, 0
        self._max_bytes, self._segment_bytes = max_bytes, min(SEGMENT_BYTES, max_bytes // 4)
        self._changed, self._closing, self._error = threading.Condition(), False, ""
        self._pending: list[tuple[bytes, str]] = []
        self._pending_bytes = self._bytes = 0
        self._segments: list[Segment] = []
        self._descriptor = -1  # of the last segment, once this run has begun one
        try:
            self._lock = only_user(folder, owner)
            self._acknowledged = Acknowledged(folder / "acknowledged")
            self._next = self._load()
        except OSError as error:
            raise ConfigError(f"the spool cannot be used: {error.strerror}", str(folder), "check --spool") from None
        self.found = self.waiting
        self._reading: Segment | None = None
        self._offset = self._number = 0
        self._writer = threading.Thread(target=self._run, name="spool", daemon=True)
        self._writer.start()

    def _load(self) -> int:
        """Read what is there; returns the number of the next record."""
        self._segments, self.position = load(self.folder)
        crossed = self._acknowledged.ranges()
        for begin, until in crossed:
            for segment in self._segments:
                segment.crossed.update(range(max(begin, segment.first), min(until, segment.until)))
        self.waiting = sum(segment.count - len(segment.crossed) for segment in self._segments)
        self._bytes = sum(segment.size for segment in self._segments)
        return max([until for _, until in crossed] + [segment.until for segment in self._segments], default=0)

    @property
    def has_room(self) -> bool:
        """Whether reading may go on. Raises PipelineError when the disk has failed."""
        if self._error:
            raise PipelineError(f"the spool cannot be written: {self._error}", str(self.folder), "look at the disk")
        return not self.trouble and self._pending_bytes < UNWRITTEN_BYTES

    def wait_for_room(self, seconds: float) -> None:
        """Wait until there is room, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_room, seconds)

    def append(self, key: bytes | None, value: bytes | None, position: str = "") -> None:
        """Hand one record over to be written. Never waits: look at `has_room` first."""
        record = encode(key, value, position)
        with self._changed:
            self._pending.append((record, position))
            self._pending_bytes += len(record)
            self.unwritten += 1
            if len(self._pending) == 1:
                self._changed.notify_all()

    def take(self, seconds: float) -> list[Entry]:
        """What is to be sent next, in order; waits at most so long for it. Raises DataLossRisk for a damaged file."""
        with self._changed:
            self._changed.wait_for(self._more_to_read, seconds)
        entries: list[Entry] = []
        while not entries and (segment := self._to_read()):
            try:
                records, end = segment.read(self._offset)
            except OSError as error:
                raise PipelineError(
                    f"the spool cannot be read: {error.strerror}", str(segment.path), "look at the disk"
                ) from None
            if not records:
                raise DataLossRisk("the spool is damaged", f"{segment.path} at byte {self._offset}", "look at the disk")
            if self._offset == 0:
                del records[0]  # the header
            entries = _entries(records, self._number, segment.crossed)
            self._offset = end
            self._number += len(records)
        return entries

    def _to_read(self) -> Segment | None:
        with self._changed:
            return self._reading if self._more_to_read() else None

    def _more_to_read(self) -> bool:
        """Whether there is something behind where reading stands; moves on to the segment that has it."""
        if self._reading is None or self._offset == self._reading.size:
            behind = -1 if self._reading is None else self._reading.first
            following = next((segment for segment in self._segments if segment.first > behind), None)
            if following is None:
                return False
            self._reading, self._offset, self._number = following, 0, following.first
        return self._offset < self._reading.size

    def rewind(self) -> None:
        """Take everything that is not crossed off once more."""
        self._reading = None

    def cross_off(self, numbers: Iterable[int]) -> None:
        """These records need not be sent any more. A segment that has no others is removed."""
        numbers = list(numbers)
        if not numbers:
            return
        with self._changed:
            firsts = [segment.first for segment in self._segments]
            for number in numbers:
                self._segments[bisect_right(firsts, number) - 1].crossed.add(number)
            self.waiting -= len(numbers)  # each was taken once since the last rewind
            self._acknowledged.add(numbers)
            for segment in [segment for segment in self._segments[:-1] if segment.done]:
                segment.path.unlink(missing_ok=True)
                self._segments.remove(segment)
                self._bytes -= segment.size
            if self._acknowledged.stale or self._acknowledged.size > ACKNOWLEDGED_BYTES:
                self._acknowledged.rewrite(number for segment in self._segments for number in segment.crossed)
            self._look_for_room()

    def close(self) -> None:
        """Write what is not written yet, if that can be done soon; `unwritten` says what could not be."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join(CLOSE_S)
        self._acknowledged.close()
        os.close(self._lock)

    def _run(self) -> None:
        """Write group after group, until the spool is closed and everything is written."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing)
                if not self._pending:
                    return
            time.sleep(0 if self._closing else GATHER_S)
            with self._changed:
                group, self._pending, self._pending_bytes = self._pending, [], 0
            while not self._written(group):
                time.sleep(RETRY_S)

    def _written(self, group: list[tuple[bytes, str]]) -> bool:
        """Bring a group to the disk; False when the disk is full. Any other failure ends the spool: it is `_error` then."""
        data = b"".join(record for record, _ in group)
        try:
            segment = self._segment()
            write(self._descriptor, data, segment.size)
        except OSError as error:
            with self._changed:
                if error.errno not in _FULL:
                    self._error = error.strerror or repr(error)
                self.trouble = "the spool's disk is full, reading has stopped"
                self._changed.notify_all()
            return bool(self._error)
        with self._changed:
            segment.size += len(data)
            segment.count += len(group)
            self._next += len(group)
            self._bytes += len(data)
            self.waiting += len(group)
            self.unwritten -= len(group)
            self.position = next((position for _, position in reversed(group) if position), self.position)
            self.trouble = ""
            self._look_for_room()
        return True

    def _look_for_room(self) -> None:
        if self.trouble == "" or self.trouble.startswith("the spool is full"):
            full = self._bytes >= self._max_bytes
            self.trouble = f"the spool is full ({self._bytes:,} bytes), reading has stopped" if full else ""
        self._changed.notify_all()

    def _segment(self) -> Segment:
        """The segment to append to; begins a new one, with the newest position in its header, where one is due."""
        last = self._segments[-1] if self._segments else None
        if last and self._descriptor < 0 and not last.count:  # begun by an earlier run: a new one would have its name
            self._descriptor = os.open(last.path, os.O_WRONLY)
        if last and self._descriptor >= 0 and last.size < self._segment_bytes and last.count < SEGMENT_RECORDS:
            return last
        path, header = self.folder / f"{self._next:020}.segment", encode(HEADER, None, self.position)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write(descriptor, header, 0)
            sync(self.folder)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        with self._changed:
            self._segments.append(Segment(path, self._next, size=len(header)))
            self._bytes += len(header)
            return self._segments[-1]


def _entries(records: list[Stored], begin: int, crossed: set[int]) -> list[Entry]:
    return [
        Entry(number, record.key, record.value) for number, record in enumerate(records, begin) if number not in crossed
    ]  # fmt: skip
