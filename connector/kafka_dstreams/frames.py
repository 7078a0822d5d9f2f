"""Frames: many records of one Kafka partition in one byte string, as the JVM half packs them
(docs/wire-format.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import repeat
from typing import Any, List, NamedTuple, Optional, Tuple

_HEADER = struct.Struct("<4siiiq")
_INT = struct.Struct("<i")
_MAGIC = b"KFR1"
_HEADERS = 1  # flag: each record's headers follow the values


class Record(NamedTuple):
    """One Kafka record; `timestamp` is in milliseconds, `key` and `value` are bytes or None."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


Headers = List[Tuple[str, Optional[bytes]]]


class RecordWithHeaders(NamedTuple):
    """A Record and its headers: (name, value) in their order, names may repeat, a value is bytes or
    None."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Frame(NamedTuple):
    """The records of one partition as columns of equal length; `headers` only where they were asked
    for."""

    topic: str
    partition: int
    offsets: tuple[int, ...]
    timestamps: tuple[int, ...]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Headers] | None = None

    def records(self) -> list[Any]:
        """The frame's rows: Records, or RecordWithHeaders where it has headers."""
        columns: list[Sequence[Any]] = [self.offsets, self.timestamps, self.keys, self.values]
        kind: type = Record
        if self.headers is not None:
            columns, kind = [*columns, self.headers], RecordWithHeaders
        # What Record(*row) does, without one call in Python per record: three times as fast.
        return list(
            map(
                tuple.__new__,
                repeat(kind),
                zip(repeat(self.topic), repeat(self.partition), *columns),
            )
        )


class Layout(NamedTuple):
    """Where the columns of a frame's `count` records lie, in bytes from its beginning, for callers
    that walk them without one object per record. Offsets and timestamps are int64, lengths int32
    (-1 is null); keys, then values, stand one behind the other.
    """

    topic: str
    partition: int
    count: int  # type: ignore[assignment]  # a tuple's method of this name is not needed
    flags: int
    offsets: int
    timestamps: int
    key_lengths: int
    value_lengths: int
    keys: int


def layout(data: bytes) -> Layout:
    """Where things are in the frame in `data`. Raises ValueError if it is not one."""
    if len(data) < _HEADER.size:
        raise ValueError(f"not a frame: {len(data)} bytes are shorter than its header")
    magic, count, partition, topic_length, flags = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError(f"not a frame: it begins with {magic!r}, not {_MAGIC!r}")
    offsets, timestamps, keys, values, end = (
        _HEADER.size + width * count for width in (0, 8, 16, 20, 24)
    )
    topic = data[end : end + topic_length].decode()
    start = end + topic_length
    return Layout(topic, partition, count, flags, offsets, timestamps, keys, values, start)


def decode(data: bytes) -> Frame:
    """The frame in `data`. Raises ValueError if it is not one."""
    found = layout(data)
    count = found.count
    numbers = struct.unpack_from(f"<{2 * count}q", data, found.offsets)
    parts, end = _parts(data, found)
    headers = _headers(data, count, end) if found.flags & _HEADERS else None
    return Frame(
        found.topic,
        found.partition,
        numbers[:count],
        numbers[count:],
        parts[:count],
        parts[count:],
        headers,
    )


def pack(
    topic: str,
    offsets: Sequence[int],
    timestamps: Sequence[int],
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    headers: Sequence[Iterable[tuple[str, bytes | None]]] | None = None,
) -> bytes:
    """The frame of these columns of equal length, as of partition 0. Raises TypeError for keys and
    values that are not bytes."""
    count, name = len(offsets), topic.encode()
    lengths = [-1 if part is None else len(part) for column in (keys, values) for part in column]
    parts = [
        _HEADER.pack(_MAGIC, count, 0, len(name), 0 if headers is None else _HEADERS),
        struct.pack(f"<{2 * count}q", *offsets, *timestamps),
        struct.pack(f"<{2 * count}i", *lengths),
        name,
        *filter(None, keys),
        *filter(None, values),
    ]
    for pairs in headers or ():
        own = [part for name, value in pairs for part in (name.encode(), value)]
        parts.append(_INT.pack(len(own) // 2))
        for part in own:
            parts += [_INT.pack(-1 if part is None else len(part)), part or b""]
    return b"".join(parts)


def keys_and_values(data: bytes) -> tuple[list[bytes | None], list[bytes | None]]:
    """These two columns of the frame in `data`, without the others' cost. Raises ValueError if it
    is not a frame."""
    found = layout(data)
    parts, _ = _parts(data, found)
    return parts[: found.count], parts[found.count :]


def _parts(data: bytes, found: Layout) -> tuple[list[bytes | None], int]:
    """All keys and then all values, and where the last one ends."""
    lengths = struct.unpack_from(f"<{2 * found.count}i", data, found.key_lengths)
    stream = BytesIO(data)  # two thirds of what slices of `data` take
    stream.seek(found.keys)
    read = stream.read
    return [None if length < 0 else read(length) for length in lengths], stream.tell()


def _headers(data: bytes, count: int, start: int) -> list[Headers]:
    """The headers of `count` records from `start` on."""

    def part() -> bytes | None:
        nonlocal start
        length = _INT.unpack_from(data, start)[0]
        begin, start = start + _INT.size, start + _INT.size + max(0, length)
        return None if length < 0 else data[begin:start]

    out = []
    for _ in range(count):
        pairs = _INT.unpack_from(data, start)[0]
        start += _INT.size
        out.append([((part() or b"").decode(), part()) for _ in range(pairs)])
    return out
