"""A spool's folder: who owns it, what is found in it at a start, and what has been forced to its
disk.

Beside the segments and `acknowledged` there is `lock`, with its owner's name, and `forced`: for
each segment (number of its first record, how many of its bytes are on the disk for certain, CRC-32
of both). `forced` is written after each fsync and not forced itself: after a loss of power it may
be older than the truth, never newer.
"""

import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from config.errors import ConfigError, DataLossRisk
from producer.spool.segments import Segment

_FORCED = struct.Struct("<QQI")

log = logging.getLogger("producer")


class Found(NamedTuple):
    """What an earlier run left: its segments in order, the newest position, and the digest of what
    its source was asked for."""

    segments: list[Segment]
    position: str
    digest: str


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(descriptor: int, data: bytes, at: int) -> None:
    """All of it, from byte `at` on and forced to the disk. Raises OSError."""
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], at + written)
    os.fsync(descriptor)


def only_user(folder: Path, owner: str) -> int:
    """Lock the folder for this process. Raises ConfigError when another process has it, OSError."""
    missing = [name for name in (folder, *folder.parents) if not name.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in missing:
        sync(name.parent)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError(
            "another producer uses this spool", str(folder), "stop it, or give another --spool"
        ) from None
    stands = os.pread(lock, 4096, 0).decode(errors="replace")
    # otherwise writing it was cut short
    if stands != f"{owner}\n" and (stands.endswith("\n") or not owner.startswith(stands)):
        os.close(lock)
        stands = stands.strip()
        remedy = (
            "give another --spool; if it is the same topic under another address, delete "
            f"{folder / 'lock'}"
        )
        raise ConfigError(
            f"the spool holds records of {stands}, not of {owner}", str(folder), remedy
        )
    os.pwrite(lock, f"{owner}\n".encode(), 0)
    return lock


class Forced:
    """How many bytes of each segment are on the disk for certain: `sizes`, by the number of its
    first record. Raises OSError.

    One entry per segment, that of the last one is written again and again. An entry that is not
    sound says nothing.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        data = path.read_bytes()
        self._entries, self._last = len(data) // _FORCED.size, -1
        found = [_FORCED.unpack_from(data, entry * _FORCED.size) for entry in range(self._entries)]
        self.sizes = {first: size for first, size, crc in found if crc == _crc(first, size)}

    def note(self, segment: Segment) -> None:
        """All of the segment is on the disk. A note that fails leaves the older one, which says
        less."""
        if segment.first != self._last:
            self._entries, self._last = self._entries + 1, segment.first
        entry = _FORCED.pack(segment.first, segment.size, _crc(segment.first, segment.size))
        with suppress(OSError):
            os.pwrite(self._descriptor, entry, (self._entries - 1) * _FORCED.size)

    def close(self) -> None:
        os.close(self._descriptor)


def _crc(first: int, size: int) -> int:
    return zlib.crc32(struct.pack("<QQ", first, size))


def load(folder: Path, forced: Forced) -> Found:
    """Read what an earlier run left. A write that was never finished is cut off, and the cut is
    forced to the disk.

    Such a write is at most one group, at the end of the last segment, behind the bytes that are
    known to be forced, and no whole record follows its beginning. What is sound is forced to the
    disk. Raises DataLossRisk for other damage, OSError.
    """
    # Path.glob is silent about a folder that cannot be read
    names = sorted(os.listdir(folder))  # noqa: PTH208
    for name in names:
        if name.endswith(".new"):
            (folder / name).unlink()
    segments = [
        Segment(folder / name, int(name.partition(".")[0]))
        for name in names
        if name.endswith(".segment")
    ]
    newest = max(forced.sizes, default=-1)
    if newest > max((segment.first for segment in segments), default=-1):
        raise _damaged(
            folder / f"{newest:020}.segment",
            0,
            "that file is gone; delete `forced` to continue without it",
        )
    position, digest = "", ""
    for segment in segments:
        try:
            sound, header, position = segment.scan()
        except ValueError:
            raise _damaged(
                segment.path, 0, "move that file away and delete `forced` to continue without it"
            ) from None
        digest = (header.value or b"").decode()
        known = forced.sizes.get(segment.first, 0)
        if sound < known or (sound < segment.size and not _unfinished(segment, sound, segments)):
            remedy = (
                f"`truncate -s {sound}` that file and delete `forced` to continue without the rest "
                "of it"
            )
            raise _damaged(segment.path, sound, remedy)
        if sound < segment.size:
            _cut(segment, sound)
        if segment is segments[-1]:
            _force(segment, known)
            forced.note(segment)
    return Found(segments, position, digest)


def _unfinished(segment: Segment, sound: int, segments: Sequence[Segment]) -> bool:
    """Whether the bytes behind the sound ones can be an unfinished last write."""
    return segment is segments[-1] and not segment.whole_record_behind(sound)


def _cut(segment: Segment, sound: int) -> None:
    log.warning(
        "spool: cut %d bytes of an unfinished write off %s", segment.size - sound, segment.path
    )
    os.truncate(segment.path, sound)
    sync(segment.path)
    segment.size = sound


def _force(segment: Segment, known: int) -> None:
    """Force what the last run wrote and may not have forced: the system may show bytes that the
    disk does not have."""
    with segment.path.open("r+b", buffering=0) as file:
        file.seek(known)
        write(file.fileno(), file.readall(), known)


def _damaged(path: Path, at: int, remedy: str) -> DataLossRisk:
    return DataLossRisk(
        "the spool is damaged", f"{path} at byte {at}", f"look at the disk; keep a copy; {remedy}"
    )
