"""Appends to a spool: each group is forced to the disk, in segments that belong to this run
alone."""

import os
from contextlib import suppress
from pathlib import Path

from producer.spool.folder import sync, write
from producer.spool.segments import HEADER, Segment, encode

SEGMENT_RECORDS = 50_000


class Appender:
    """Writes segments of about `segment_bytes` into `folder`, each headed by `digest`. It belongs
    to one thread.

    A group that could not be forced to the disk is cut off again, and its descriptor is not used
    again: the system reports a failed fsync once, and the next one succeeds.
    """

    def __init__(self, folder: Path, digest: str, segment_bytes: int) -> None:
        self._folder, self._digest, self._segment_bytes = folder, digest, segment_bytes
        self._own: Segment | None = None
        self._descriptor = -1

    def append(self, data: bytes, count: int, number: int, position: str) -> Segment:
        """Force `count` records to the disk, the first of them `number`; returns the segment that
        has them now.

        `position` is the newest one before them. Raises OSError; then none of them is in the spool,
        and the caller may try again.
        """
        segment = self._segment(number, position)
        try:
            write(self._descriptor, data, segment.size)
        except OSError:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.ftruncate(descriptor, segment.size)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            raise
        segment.size += len(data)
        segment.count += count
        return segment

    def _segment(self, number: int, position: str) -> Segment:
        own = self._own
        if own and own.size < self._segment_bytes and own.count < SEGMENT_RECORDS:
            if self._descriptor < 0:
                self._descriptor = os.open(own.path, os.O_WRONLY)
            return own
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._own = self._begun(number, encode(HEADER, self._digest.encode(), position))
        return self._own

    def _begun(self, number: int, header: bytes) -> Segment:
        """A new segment; its header is complete before the file gets its name."""
        path = self._folder / f"{number:020}.segment"
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write(descriptor, header, 0)
            new.rename(path)
            sync(self._folder)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        self._descriptor = descriptor
        return Segment(path, number, size=len(header))
