"""Frames: many records of one Kafka partition in one byte string, as the JVM half packs them (docs/wire-format.md)."""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<4siiiq")
_MAGIC = b"KFR1"


class Record(NamedTuple):
    """One Kafka record; `timestamp` is in milliseconds, `key` and `value` are bytes or None."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Frame(NamedTuple):
    """The records of one partition as columns of equal length."""

    topic: str
    partition: int
    offsets: tuple[int, ...]
    timestamps: tuple[int, ...]
    keys: list[bytes | None]
    values: list[bytes | None]

    def records(self) -> list[Record]:
        """The frame's rows."""
        columns = zip(self.offsets, self.timestamps, self.keys, self.values, strict=True)
        return [Record(self.topic, self.partition, *row) for row in columns]


def decode(data: bytes) -> Frame:
    """The frame in `data`. Raises ValueError if it is not one."""
    magic, count, partition, topic_length, _flags = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError(f"not a frame: it begins with {magic!r}, not {_MAGIC!r}")
    columns = struct.unpack_from(f"<{2 * count}q{2 * count}i", data, _HEADER.size)
    start = _HEADER.size + 24 * count
    topic = data[start : start + topic_length].decode()
    keys, start = _slices(data, columns[2 * count : 3 * count], start + topic_length)
    values, _ = _slices(data, columns[3 * count :], start)
    return Frame(topic, partition, columns[:count], columns[count : 2 * count], keys, values)


def _slices(data: bytes, lengths: tuple[int, ...], start: int) -> tuple[list[bytes | None], int]:
    """The byte strings of these lengths (-1 is None) from `start` on, and where the last one ends."""
    out: list[bytes | None] = []
    for length in lengths:
        if length < 0:
            out.append(None)
        else:
            out.append(data[start : start + length])
            start += length
    return out, start
