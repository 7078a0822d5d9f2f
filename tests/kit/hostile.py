"""Records that were made to do harm, and a way to put them on a topic which no well-behaved client
offers.

Everything is generated. `send` speaks Kafka's produce request itself: batches that unpack to
gigabytes, any timestamp, headers.
"""

import json
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import crc32c
import zstandard

PRODUCE, PRODUCE_VERSION = 0, 7  # the first that takes zstd, the last without tagged fields
ZSTD = 4
TAG = "app.bsky.richtext.facet#tag"
LONG_LONG_AGO, END_OF_TIME = -(2**63), 2**63 - 1
ANY_TIMESTAMP = {
    "message.timestamp.before.max.ms": str(END_OF_TIME),
    "message.timestamp.after.max.ms": str(END_OF_TIME),
}


@dataclass(frozen=True)
class Hostile:
    """One record; a timestamp in ms, headers as Kafka has them."""

    key: bytes | None
    value: bytes | None
    timestamp: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def bluesky(text: str, facets: list[dict[str, Any]]) -> bytes:
    """A new post on Bluesky as Jetstream tells of it."""
    commit = {
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3k",
        "record": {"text": text, "facets": facets},
    }
    return json.dumps(
        {"did": "did:plc:abc", "time_us": 1, "kind": "commit", "commit": commit},
        separators=(",", ":"),
    ).encode()


def facet(start: int, end: int, features: int = 1) -> dict[str, Any]:
    """Features that are hashtags, each of them text[start:end]."""
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [{"$type": TAG}] * features}


def odd() -> Iterator[Hostile]:
    """One record for each way to do harm that is known."""
    text = "#" + "x" * 399_999
    values = {
        "facets that are each the whole text": bluesky(text, [facet(0, len(text))] * 5_900),
        "features that are each the whole text": bluesky(text, [facet(0, len(text), 15_000)]),
        "facets outside the text": bluesky(
            "#a", [facet(-5, 2**62), facet(2, 1), facet(0, 2)] * 3_000
        ),
        "a number of 10,000 digits": b'{"id":"1","text":"x","n":' + b"9" * 10_000 + b"}",
        "numbers just short enough": b'{"id":"1","text":"x","n":['
        + b",".join([b"9" * 1000] * 1000)
        + b"]}",
        "an exponent": b'{"id":"1","text":"x","n":1e999999999}',
        "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
        "100,000 levels in a tweet": b'{"id":"1","text":"x","more":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_001,
        "half emoji": b'{"id":"1","text":"' + b"\\ud83d" * 100_000 + b'"}',
        "half emoji, raw": b'{"id":"1","text":"\xed\xa0\xbd"}',
        "a name twice, in two cases": b'{"id":"1","ID":"2","text":"a","Text":"b","text":"c"}',
        "NUL": b'{"id":"1","text":"a\\u0000b"}',
        "NUL, raw": b'{"id":"1","text":"a\x00b"}',
        "only NUL": bytes(1_000_000),
        "a byte order mark": b'\xef\xbb\xbf{"id":"1","text":"x"}',
        "emoji only": json.dumps(
            {"data": {"id": "1", "text": "\U0001f3f4" * 230_000}}, ensure_ascii=False
        ).encode(),
        "words only": b'{"data":{"id":"1","text":"' + b"but good :) not " * 60_000 + b'"}}',
        "empty lists": b'{"id":"1","text":"x","n":[' + b",".join([b"[]"] * 300_000) + b"]}",
        "users and references": json.dumps(
            {
                "data": {
                    "id": "1",
                    "text": "x",
                    "author_id": "42",
                    "referenced_tweets": [{"type": "replied_to", "id": "5"}] * 9_000,
                },
                "includes": {"users": [{"id": "42"}] * 30_000},
            }
        ).encode(),
        "a year of 900,000 digits": b'{"id":1,"text":"x","created_at":"Sat Apr 25 16:19:03 +0000 '
        + b"9" * 900_000
        + b'"}',
        "nothing": b"",
        "a tombstone": None,
    }
    for name, value in values.items():
        yield Hostile(name.encode(), value)
    tweet = b'{"data":{"id":"1","text":"long ago"}}'
    yield from (
        Hostile(b"when", tweet, timestamp)
        for timestamp in (LONG_LONG_AGO, LONG_LONG_AGO + 1, -1, 0, END_OF_TIME)
    )
    yield Hostile(b"\x00" * 900_000, b'{"id":"1"}')  # a key that is six times as long in JSON
    yield Hostile(b"\xff" * 900_000, None)


def headers(count: int, size: int = 900_000) -> Iterator[Hostile]:
    """Small tweets, each with as many bytes of headers."""
    for number in range(count):
        yield Hostile(
            b"%d" % number,
            b'{"data":{"id":"%d","text":"small"}}' % number,
            headers=[(b"h", bytes(size))],
        )


def zeros(count: int, size: int = 1_000_000) -> Iterator[Hostile]:
    """What a megabyte of zstd holds by the gigabyte."""
    for number in range(count):
        yield Hostile(b"%d" % number, bytes(size))


def batch(records: Iterable[Hostile], compressed: bool = False) -> bytes:
    """A record batch of Kafka's version 2; `records` are not all in memory at once."""
    packer = zstandard.ZstdCompressor().compressobj() if compressed else None
    out, number, base, latest = [], 0, 0, 0
    for number, record in enumerate(records):
        base = base if number else record.timestamp
        latest = max(latest, record.timestamp) if number else record.timestamp
        packed = _record(record, number, record.timestamp - base)
        out.append(packer.compress(packed) if packer else packed)
    if packer:
        out.append(packer.flush())
    numbers = struct.pack(
        ">hiqqqhii", ZSTD if compressed else 0, number, base, latest, -1, -1, -1, number + 1
    )
    checked = numbers + b"".join(out)
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c.crc32c(checked)) + checked


def _record(record: Hostile, number: int, delta: int) -> bytes:
    parts = [
        b"\0",
        _varint(delta),
        _varint(number),
        _bytes(record.key),
        _bytes(record.value),
        _varint(len(record.headers)),
    ]
    parts += [_bytes(part) for header in record.headers for part in header]
    body = b"".join(parts)
    return _varint(len(body)) + body


def _bytes(part: bytes | None) -> bytes:
    return _varint(-1) if part is None else _varint(len(part)) + part


def _varint(number: int) -> bytes:
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def send(bootstrap: str, topic: str, partition: int, batches: Iterable[bytes]) -> None:
    """Each batch acknowledged by the broker at `bootstrap`, which has to be the partition's leader;
    raises what it refuses."""
    host, _, port = bootstrap.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=60) as line,
        line.makefile("rb") as answers,
    ):
        for number, records in enumerate(batches):
            name = struct.pack(">h", len(topic)) + topic.encode()
            request = (
                struct.pack(">hhihhhii", PRODUCE, PRODUCE_VERSION, number, -1, -1, -1, 60_000, 1)
                + name
            )
            request += struct.pack(">iii", 1, partition, len(records))
            line.sendall(struct.pack(">i", len(request) + len(records)) + request + records)
            answer = answers.read(struct.unpack(">i", answers.read(4))[0])
            (error,) = struct.unpack_from(">h", answer, 4 + 4 + len(name) + 4 + 4)
            if error:
                raise RuntimeError(
                    f"{topic}[{partition}]: the broker refuses batch {number} of {len(records)} "
                    f"bytes: error {error}"
                )
