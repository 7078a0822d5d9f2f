"""The file `acknowledged`: which of a spool's records Kafka has acknowledged.

A sequence of (from, until, CRC-32), little-endian: half-open ranges of record numbers. It is
appended to, and rewritten as a whole from time to time. It is not forced to the disk: records that
are missing in it are sent once more.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_RANGE = struct.Struct("<QQI")


class Acknowledged:
    """The file at `path`. `ranges` are those found in it; `stale` says that it has to be written
    again as a whole.

    A range that is not sound is passed over: its records are sent once more. Nothing is appended
    behind a fragment, where it could not be read again. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        data = path.read_bytes()
        fragment = len(data) % _RANGE.size
        found = [_RANGE.unpack_from(data, at) for at in range(0, len(data) - fragment, _RANGE.size)]
        self.ranges = [(begin, until) for begin, until, crc in found if crc == _crc(begin, until)]
        self.stale = bool(fragment) or len(self.ranges) < len(found)

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def add(self, numbers: Iterable[int]) -> None:
        """Append these numbers, unless the file is stale; a full or failing disk makes it stale."""
        data = _packed(numbers)
        try:
            self.stale = self.stale or os.write(self._descriptor, data) < len(data)
        except OSError:
            self.stale = True

    def rewrite(self, numbers: Iterable[int]) -> None:
        """Replace the file by one with these numbers; where that fails the old file stays, and
        stays stale."""
        new = self.path.with_suffix(".new")
        try:
            new.write_bytes(_packed(numbers))
            descriptor = os.open(new, os.O_RDWR | os.O_APPEND)
            try:
                os.fsync(descriptor)
                new.replace(self.path)
            except OSError:
                os.close(descriptor)
                raise
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return
        os.close(self._descriptor)
        self._descriptor, self.stale = descriptor, False

    def close(self) -> None:
        os.close(self._descriptor)


def _packed(numbers: Iterable[int]) -> bytes:
    """The numbers as ranges, as the file has them."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    return b"".join(_RANGE.pack(begin, until, _crc(begin, until)) for begin, until in ranges)


def _crc(begin: int, until: int) -> int:
    return zlib.crc32(struct.pack("<QQ", begin, until))
