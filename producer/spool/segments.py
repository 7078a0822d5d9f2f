"""The records as they lie in a spool's files.

A segment `<number of its first record>.segment` is a sequence of records, its first one a header:
the key HEADER, as value the digest of what the source was asked for, the newest position before it.
A record is a little-endian head (CRC-32 of all that follows, length of the body, length of the key,
length of the value; -1 for null) and a body: key, value, position.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HEADER = b"tweets-to-hdfs spool 1"
READ_BYTES = 256 * 1024

_HEAD = struct.Struct("<IIii")
_CRC_BYTES = 4


class Stored(NamedTuple):
    """A record as it lies in a segment; `key` and `value` may be null, `position` is empty where
    the source gave none."""

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
    """(where it ends, record) for each record of `data`, up to the first that is not whole or not
    sound."""
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
    """One file; `count` records from number `first` on in `size` bytes, `crossed` are those that
    need not be sent again."""

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

        None at the end of the segment, and where what follows is not a whole and sound record.
        Raises OSError.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(min(READ_BYTES, self.size - offset))
            if _HEAD.size <= len(data) < self.size - offset:  # a single record may be larger
                needed = _HEAD.size + _HEAD.unpack_from(data)[1]
                data += file.read(max(min(needed, self.size - offset) - len(data), 0))
        found = list(decode(data))
        return [record for _, record in found], offset + (found[-1][0] if found else 0)

    def scan(self) -> tuple[int, Stored, str]:
        """Count the records; returns the bytes up to the first that is not sound, the header, and
        the newest position.

        Raises OSError, ValueError for a segment without a header: it was renamed into its place
        with one.
        """
        self.size, self.count, end = self.path.stat().st_size, -1, 0  # the header is no record
        header, position = Stored(None, None, ""), ""
        while True:
            records, end_of_read = self.read(end)
            if not end and (not records or records[0].key != HEADER):
                raise ValueError("no header")
            if not records:
                return end, header, position
            header = header if end else records[0]
            position = next(
                (record.position for record in reversed(records) if record.position), position
            )
            self.count += len(records)
            end = end_of_read

    def whole_record_behind(self, offset: int) -> bool:
        """Whether any record behind byte `offset`, where none begins, is whole and sound. Raises
        OSError."""
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        for begin in range(1, len(data) - _HEAD.size + 1):
            _, length, key, value = _HEAD.unpack_from(data, begin)
            plausible = (
                max(key, 0) + max(value, 0) <= length <= len(data) - begin - _HEAD.size
                and min(key, value) >= -1
            )
            if plausible and next(decode(data[begin : begin + _HEAD.size + length]), None):
                return True
        return False
