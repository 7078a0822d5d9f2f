"""Frames packed by hand, as docs/wire-format.md says."""

import struct

Row = tuple[int, int, bytes | None, bytes | None]  # offset, timestamp in ms, key, value


def pack(
    topic: str, partition: int, rows: list[Row], flags: int = 0, magic: bytes = b"KFR1"
) -> bytes:
    """The frame with these records."""
    name = topic.encode()
    keys, values = [row[2] for row in rows], [row[3] for row in rows]
    return b"".join(
        [
            magic,
            struct.pack("<iiiq", len(rows), partition, len(name), flags),
            *[struct.pack("<q", row[0]) for row in rows],
            *[struct.pack("<q", row[1]) for row in rows],
            *[struct.pack("<i", -1 if item is None else len(item)) for item in keys + values],
            name,
            *[item or b"" for item in keys + values],
        ]
    )
