"""The spool: what has been received lies on the disk until Kafka has acknowledged it.

A record is received -> appended and forced to the disk, in groups -> taken and sent -> crossed off
when it is acknowledged. What was not crossed off is taken again after a crash. From the moment a
group is on the disk (fsync) nothing of it is lost. One thread appends, one takes and crosses off, a
third one of the spool's own writes.
"""

import errno
import logging
import os
import shutil
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from config.errors import ConfigError, PipelineError
from producer.spool.acknowledged import Acknowledged
from producer.spool.appending import Appender
from producer.spool.backlog import Entry
from producer.spool.folder import Forced, load, only_user
from producer.spool.reading import Reader
from producer.spool.segments import Segment, encode

GATHER_S = 0.02  # what arrives within this time shares one fsync
SEGMENT_BYTES = 16 * 1024 * 1024
UNWRITTEN_BYTES = 1024 * 1024  # in memory while a group is being written
SMALLEST_BYTES = 8 * 1024 * 1024
ACKNOWLEDGED_BYTES = 1024 * 1024  # beyond that its file is written again as a whole
RETRY_S = 0.5
CLOSE_S = 2.0
_FULL = (errno.ENOSPC, errno.EDQUOT)

_OTHER_QUESTION = (
    "spool: %s was filled by another query, other rules or other keywords: its records are still "
    "sent; the source starts without the position kept there"
)

log = logging.getLogger("producer")


class Spool:
    """The records of one source on their way to one topic, in `folder`, at most about `max_bytes`
    of them.

    `digest` stands for what the source is asked for: another one's position is not this one's,
    another one's records are still to be sent. `position` is the newest one on the disk, `found`
    the number of records that an earlier run left here, `waiting` how many are on the disk and not
    crossed off, `unwritten` how many are not on the disk yet, `trouble` why there is no room,
    `error` why nothing more will be written. Less than `min_free_bytes` on the disk is no room.
    Raises ConfigError for a folder that cannot be used or is another's, DataLossRisk for damaged
    files.
    """

    def __init__(
        self, folder: Path, owner: str, max_bytes: int, digest: str = "", min_free_bytes: int = 0
    ) -> None:
        if max_bytes < SMALLEST_BYTES:
            raise ConfigError(
                f"a spool of {max_bytes} bytes is too small",
                "--spool-max-bytes",
                f"give at least {SMALLEST_BYTES}",
            )
        self.folder, self.position, self.trouble, self.waiting, self.unwritten = (
            folder,
            "",
            "",
            0,
            0,
        )
        self.error: PipelineError | None = None
        self._max_bytes = max_bytes
        self._digest, self._min_free_bytes = digest, min_free_bytes
        self._changed, self._closing, self._disk_is_full = threading.Condition(), False, False
        self._pending: list[tuple[bytes, str]] = []
        self._pending_bytes = self._bytes = 0
        self._segments: list[Segment] = []
        self._appender = Appender(folder, digest, min(SEGMENT_BYTES, max_bytes // 4))
        try:
            with ExitStack() as given_up:
                self._lock = only_user(folder, owner)
                given_up.callback(os.close, self._lock)
                self._acknowledged = Acknowledged(folder / "acknowledged")
                self._forced = Forced(folder / "forced")
                self._next = self._load()
                given_up.pop_all()
        except OSError as error:
            kind = PipelineError if error.errno in (errno.EIO, *_FULL) else ConfigError
            raise kind(
                f"the spool cannot be used: {error.strerror}",
                str(folder),
                "look at the disk and --spool",
            ) from None
        self.found = self.waiting
        self._reader = Reader(self._segments, self._changed)
        with self._changed:
            self._look_for_room()
        self._writer = threading.Thread(target=self._run, name="spool", daemon=True)
        self._writer.start()

    def _load(self) -> int:
        """Read what is there; returns the number of the next record.

        A last segment without records stays on the disk, with its position: the first one of this
        run takes its place.
        """
        self._segments, self.position, digest = load(self.folder, self._forced)
        if self.position and digest and digest != self._digest:
            log.warning(_OTHER_QUESTION, self.folder)
            self.position = ""
        crossed = self._acknowledged.ranges
        for begin, until in crossed:
            for segment in self._segments:
                segment.crossed.update(range(max(begin, segment.first), min(until, segment.until)))
        if self._acknowledged.stale:
            self._acknowledged.rewrite(self._crossed())
        self.waiting = sum(segment.count - len(segment.crossed) for segment in self._segments)
        self._bytes = sum(segment.size for segment in self._segments)
        following = max(
            [until for _, until in crossed] + [segment.until for segment in self._segments],
            default=0,
        )
        if self._segments and not self._segments[-1].count:
            self._segments.pop()
        return following

    def _crossed(self) -> Iterable[int]:
        return (number for segment in self._segments for number in segment.crossed)

    @property
    def has_room(self) -> bool:
        """Whether reading may continue. Raises `error`."""
        if self.error:
            raise self.error
        return not self.trouble and self._pending_bytes < UNWRITTEN_BYTES

    @property
    def full_ratio(self) -> float:
        """How much of its room is taken, 0 to 1."""
        return self._bytes / self._max_bytes

    def wait_for_room(self, seconds: float) -> None:
        """Wait until there is room, for up to `seconds`."""
        with self._changed:
            self._look_for_room()  # the disk may have room again
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
        """The next records to send, in order; waits up to `seconds` for one. Raises DataLossRisk
        for a damaged file."""
        with self._changed:
            self._changed.wait_for(self._reader.more, seconds)
        return self._reader.take()

    def rewind(self) -> None:
        """Have everything that is not crossed off taken once more."""
        self._reader.rewind()

    def cross_off(self, numbers: Iterable[int]) -> None:
        """These records need not be sent again. A segment that has no others is removed."""
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
                with suppress(OSError):  # another try follows
                    segment.path.unlink(missing_ok=True)
                    self._segments.remove(segment)
                    self._bytes -= segment.size
            if self._acknowledged.stale or self._acknowledged.size > ACKNOWLEDGED_BYTES:
                self._acknowledged.rewrite(self._crossed())
            self._look_for_room()

    def close(self) -> None:
        """Write what is not written yet, if that can be done soon; `unwritten` says what could not
        be."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join(CLOSE_S)
        # otherwise the disk hangs, and what the thread still uses has to stay open
        if not self._writer.is_alive():
            self._acknowledged.close()
            self._forced.close()
            os.close(self._lock)

    def _run(self) -> None:
        """Write group after group, until the spool is closed and everything is written, or a write
        has failed for good.

        Nothing is written behind a failure: a later position on the disk would hide that the
        records before it are not there.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing)
                if not self._pending:
                    return
            time.sleep(0 if self._closing else GATHER_S)
            with self._changed:
                group, self._pending, self._pending_bytes = self._pending, [], 0
            while not self._written(group):
                if self.error or self._closing:
                    return
                time.sleep(RETRY_S)

    def _written(self, group: list[tuple[bytes, str]]) -> bool:
        """Write a group to the disk; False when that failed: for good where `error` is set,
        otherwise for now."""
        data = b"".join(record for record, _ in group)
        try:
            segment = self._appender.append(data, len(group), self._next, self.position)
        except OSError as error:
            self._give_up_or_wait(error)
            return False
        with self._changed:
            if not self._segments or self._segments[-1] is not segment:
                self._segments.append(segment)
            self._forced.note(segment)
            self._next += len(group)
            self._bytes += len(data)
            self.waiting += len(group)
            self.unwritten -= len(group)
            self.position = next(
                (position for _, position in reversed(group) if position), self.position
            )
            self._disk_is_full = False
            self._look_for_room()
        return True

    def _give_up_or_wait(self, error: OSError) -> None:
        with self._changed:
            if error.errno in _FULL:
                self._disk_is_full = True
            else:
                remedy = (
                    "look at the disk, then start again: what was not written is asked for again "
                    "where the source can"
                )
                self.error = PipelineError(
                    f"the spool cannot be written: {error.strerror}", str(self.folder), remedy
                )
            self._look_for_room()

    def _look_for_room(self) -> None:
        """Say in `trouble` why there is no room, and wake those that wait for some."""
        self.trouble = ""
        if self._disk_is_full:
            self.trouble = "the spool's disk is full, reading has stopped"
        elif self._bytes >= self._max_bytes:
            self.trouble = f"the spool is full ({self._bytes:,} bytes), reading has stopped"
        elif self._min_free_bytes and (free := _free_bytes(self.folder)) < self._min_free_bytes:
            self.trouble = (
                f"the spool's disk has {free:,} bytes left, fewer than --spool-min-free-bytes, "
                "reading has stopped"
            )
        self._changed.notify_all()


def _free_bytes(folder: Path) -> int:
    # writing will show what is wrong with a disk that cannot tell its free space
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return sys.maxsize
