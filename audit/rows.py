"""A published line, and the digests by which it is held against its record. No line shared with the
code that wrote it."""

import base64
import hashlib

import msgspec
from msgspec import Struct


class Coordinates(Struct):
    topic: str
    partition: int
    offset: int
    timestamp: int


class Sentiment(Struct):
    compound: float
    neg: float
    neu: float
    pos: float
    label: str


class Row(Struct):
    kafka: Coordinates
    id: str | None = None
    deleted: bool = False
    key: str | None = None
    reason: str | None = None
    raw: bytes = b""
    sentiment: Sentiment | None = None
    erased: str | None = None  # why its row was taken out of a unit
    author_id: str | None = None
    created_at: str | None = None

    @property
    def kind(self) -> str:
        """Which of the four, as a manifest counts them."""
        if self.erased is not None:
            return "erased"
        return "rejected" if self.reason is not None else "deleted" if self.deleted else "tweets"


_decode = msgspec.json.Decoder(Row).decode


def row_of(line: bytes) -> Row:
    """The row but for its tweet, whose bytes `of_row` vouches for: no decoder here takes the half
    surrogate pairs in some.

    Raises msgspec.DecodeError or UnicodeDecodeError where the line is not a row.
    """
    head, found, _ = line.partition(b',"tweet":')
    return _decode(head + b"}" if found else line)


def of_record(timestamp: int, key: bytes | None, value: bytes | None) -> bytes:
    """32 bytes of digests: 16 of the record as a tweet's line has it (without line breaks), 16 as a
    rejected line has it."""
    if value is None:
        return 2 * _digest(b"tombstone", timestamp, _key_text(key), b"")
    one_line = value.replace(b"\r", b"").replace(b"\n", b"")
    return _digest(b"tweet", timestamp, None, one_line) + _digest(
        b"rejected", timestamp, _key_text(key), value
    )


def of_row(row: Row, line: bytes) -> bytes:
    """The 16 bytes that half of its record's digests has to equal; none for a tweet without
    sentiment, which equals no record."""
    if row.reason is not None:
        return _digest(b"rejected", row.kafka.timestamp, row.key, row.raw)
    if row.sentiment is None and not row.deleted:
        return b""
    value = _tweet(line)
    if row.deleted and value == b"null":
        return _digest(b"tombstone", row.kafka.timestamp, row.id, b"")
    return _digest(b"tweet", row.kafka.timestamp, None, value)


def sha256_of_row(row: Row, line: bytes) -> str | None:
    """The hash that a ledger has of the record's value, None for a tombstone. A value with line
    breaks has another one."""
    if row.reason is None and row.deleted and _tweet(line) == b"null":
        return None
    return hashlib.sha256(row.raw if row.reason is not None else _tweet(line)).hexdigest()


def _tweet(line: bytes) -> bytes:
    # A line's first `,"tweet":` is its own key: within a JSON string the quotes have backslashes.
    return line.partition(b',"tweet":')[2][:-1]


def _digest(kind: bytes, timestamp: int, key: str | None, value: bytes) -> bytes:
    head = f"{timestamp} {key!r} ".encode(errors="backslashreplace")
    return hashlib.blake2b(kind + head + value, digest_size=16).digest()


def _key_text(key: bytes | None) -> str | None:
    if key is None:
        return None
    try:
        return key.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(key).decode()
