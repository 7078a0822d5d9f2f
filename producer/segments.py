"""The spool's files: segments of records, and the list of what has been acknowledged.

A segment `<number of its first record>.segment` is a sequence of records, its first one a header. A record is a little-endian
head (CRC-32 of all that follows, length of the body, length of the key, length of the value; -1 for null) and a body: key,
value, position. `acknowledged` is a sequence of (from, until, CRC-32): half-open ranges of record numbers. All is only ever
appended to; what is not whole or fails its checksum was never finished.
"""

import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from config.errors import ConfigError, DataLossRisk

HEADER = b"tweets-to-hdfs spool 1"
READ_BYTES = 256 * 1024

log = logging.getLogger("producer")

_HEAD = struct.Struct("<IIii")
_CRC_BYTES = 4
_RANGE = struct.Struct("<QQ")
_RANGE_BYTES = _RANGE.size + _CRC_BYTES


class Stored(NamedTuple):
    """A record as it lies in a segment; `key` and `value` may be null, `position` is empty where the source gave none."""

    key: bytes | None
    value: bytes | None
    position: str


def encode(key: bytes | None, value: bytes | None, position: str) -> bytes:
    """The bytes of one record."""
    body = b"".join((key or b"", value or b"", position.encode()))
    lengths = (-1 if part is None else len(part) for part in (key, value))
    head = _HEAD.pack(0, len(body), *lengths)[_CRC_BYTES:]
    return zlib.crc32(body, zlib.crc32(head)).to_bytes(_CRC_BYTES, "little") + head + body


def decode(data: bytes) -> Iterator[tuple[int, Stored]]:
    """(where it ends, record) for each record of `data`, up to the first that is not whole or not sound."""
    begin = 0
    while begin + _HEAD.size <= len(data):
        crc, length, *lengths = _HEAD.unpack_from(data, begin)
        body_at = begin + _HEAD.size
        end = body_at + length
        if end > len(data) or zlib.crc32(data[begin + _CRC_BYTES : end]) != crc:
            return
        parts = []
        for part in lengths:
            parts.append(None if part < 0 else data[body_at : body_at + part])
            body_at += max(part, 0)
        yield end, Stored(parts[0], parts[1], data[body_at:end].decode())
        begin = end


@dataclass
class Segment:
    """One file; `count` records from number `first` on in `size` bytes, `crossed` are those that need not be sent any more."""

    path: Path
    first: int
    count: int = 0
    size: int = 0
    crossed: set[int] = field(default_factory=set)

    @property
    def until(self) -> int:
        """The number behind its last record."""
        return self.first + self.count

    @property
    def done(self) -> bool:
        return len(self.crossed) == self.count

    def read(self, offset: int) -> tuple[list[Stored], int]:
        """The records from byte `offset` on, about READ_BYTES of them, and where they end.

        None at the end of the segment, and where what follows is not a whole and sound record. Raises OSError.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(min(READ_BYTES, self.size - offset))
            if _HEAD.size <= len(data) < self.size - offset:  # a single record may be larger
                needed = _HEAD.size + _HEAD.unpack_from(data)[1]
                data += file.read(max(min(needed, self.size - offset) - len(data), 0))
        found = list(decode(data))
        return [record for _, record in found], offset + (found[-1][0] if found else 0)

    def scan(self, position: str) -> tuple[int, str]:
        """Count the records; returns the bytes up to the first that is not sound, and the newest position (else `position`)."""
        self.size, self.count, end = self.path.stat().st_size, -1, 0  # the header is no record
        while True:
            records, end_of_read = self.read(end)
            if not records or (end == 0 and records[0].key != HEADER):
                self.count = max(self.count, 0)
                return end, position
            self.count += len(records)
            end = end_of_read
            position = next((record.position for record in reversed(records) if record.position), position)


class Acknowledged:
    """The file of acknowledged ranges. It is not forced to the disk: what is missing in it is sent once more."""

    def __init__(self, path: Path) -> None:
        self.path, self.stale = path, False
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def ranges(self) -> list[tuple[int, int]]:
        """What has been written, up to the first range that is not sound. Raises OSError."""
        data, found = self.path.read_bytes(), []
        for at in range(0, len(data) - _RANGE_BYTES + 1, _RANGE_BYTES):
            packed = data[at : at + _RANGE.size]
            if zlib.crc32(packed).to_bytes(_CRC_BYTES, "little") != data[at + _RANGE.size : at + _RANGE_BYTES]:
                break
            found.append(_RANGE.unpack(packed))
        return found

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def add(self, numbers: Iterable[int]) -> None:
        """Append these numbers; on a full disk `stale` says that the file has to be written anew."""
        data = _packed(numbers)
        try:
            self.stale = self.stale or os.write(self._descriptor, data) < len(data)
        except OSError:
            self.stale = True

    def rewrite(self, numbers: Iterable[int]) -> None:
        """Put a file of these numbers in the place of the old one; on a full disk the old one stays, and stays stale."""
        new = self.path.with_suffix(".new")
        try:
            new.write_bytes(_packed(numbers))
            sync(new)
            new.replace(self.path)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return
        os.close(self._descriptor)
        self._descriptor, self.stale = descriptor, False

    def close(self) -> None:
        os.close(self._descriptor)


def _packed(numbers: Iterable[int]) -> bytes:
    """The numbers as ranges, as they lie in the file."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    packed = [_RANGE.pack(*one) for one in ranges]
    return b"".join(one + zlib.crc32(one).to_bytes(_CRC_BYTES, "little") for one in packed)


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(descriptor: int, data: bytes, at: int) -> None:
    """All of it, from byte `at` on and forced to the disk, or nothing. Raises OSError."""
    try:
        written = 0
        while written < len(data):
            written += os.pwrite(descriptor, data[written:], at + written)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, at)
        raise


def only_user(folder: Path, owner: str) -> int:
    """Take hold of the folder; the lock ends with the process. Raises ConfigError when another one has it, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError("another producer uses this spool", str(folder), "stop it, or give another --spool") from None
    stands = os.pread(lock, 1000, 0).decode(errors="replace")
    if stands and stands != owner:
        os.close(lock)
        raise ConfigError(f"the spool holds records of {stands}, not of {owner}", str(folder), "give another --spool")
    os.pwrite(lock, owner.encode(), 0)
    return lock


def load(folder: Path) -> tuple[list[Segment], str]:
    """The segments there, in order, and the newest position. A write that was never finished is no record: it is cut off.

    Only the last thing written can be that. Raises DataLossRisk for any other damage, OSError.
    """
    segments, position = [Segment(path, int(path.stem)) for path in sorted(folder.glob("*.segment"))], ""
    for segment in segments:
        sound, position = segment.scan(position)
        if sound == segment.size:
            continue
        if segment is not segments[-1]:
            remedy = f"look at the disk; keep a copy; `truncate -s {sound}` that file to go on without the rest of it"
            raise DataLossRisk("the spool is damaged", f"{segment.path} at byte {sound}", remedy)
        log.warning("spool: cut %d bytes of an unfinished write off %s", segment.size - sound, segment.path)
        os.truncate(segment.path, sound)
        segment.size = sound
    return [segment for segment in segments if segment.size], position
