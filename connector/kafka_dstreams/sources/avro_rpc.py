"""Avro's RPC over Netty's framing, as far as Flume speaks it: requests read, answers written.

A message is (serial, number of buffers), int32, then (length, bytes) for each. The first request
and answer of a connection begin with Avro's handshake (Avro 1.8, "Protocol Wire Format"); we answer
BOTH, so that no protocol's text is needed.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, NamedTuple

import fastavro

_MD5 = {"type": "fixed", "name": "MD5", "size": 16}
_META = {"type": "map", "values": "bytes"}
_MATCH = {"type": "enum", "name": "Match", "symbols": ["BOTH", "CLIENT", "NONE"]}


def _schema(name: str, **fields: Any) -> Any:
    rows = [{"name": field, "type": kind} for field, kind in fields.items()]
    return fastavro.parse_schema({"type": "record", "name": name, "fields": rows})


META = fastavro.parse_schema(_META)
REQUEST = _schema(
    "HandshakeRequest",
    clientHash=_MD5,
    clientProtocol=["null", "string"],
    serverHash="MD5",
    meta=["null", _META],
)
RESPONSE = _schema(
    "HandshakeResponse",
    match=_MATCH,
    serverProtocol=["null", "string"],
    serverHash=["null", _MD5],
    meta=["null", _META],
)
BOTH = {"match": "BOTH", "serverProtocol": None, "serverHash": None, "meta": None}
LARGEST_BYTES = 64 * 1024 * 1024  # of one buffer; a larger length is no Avro


class Call(NamedTuple):
    """A request: `body` begins behind its name, `first` says that it came with the handshake."""

    serial: int
    first: bool
    name: str
    body: io.BytesIO


class Connection:
    """One connection, seen from the side that answers; `deflate` as Flume's compression-type."""

    def __init__(self, deflate: bool = False) -> None:
        self._data, self._first = bytearray(), True
        self._inflate = zlib.decompressobj() if deflate else None
        self._deflate = zlib.compressobj() if deflate else None

    def fed(self, data: bytes) -> list[Call]:
        """The requests that are whole with these bytes. Raises ValueError, EOFError or zlib.error
        for what is no Avro."""
        self._data += self._inflate.decompress(data) if self._inflate else data
        calls: list[Call] = []
        while True:
            serial, body, length = message(self._data)
            if not length:
                return calls
            del self._data[:length]
            first, self._first = self._first, False
            if first:
                _read(body, REQUEST)
            _read(body, META)
            calls.append(Call(serial, first, _read(body, "string"), body))

    def answer(self, call: Call, schema: Any, value: Any) -> bytes:
        """The bytes that say that the call gave `value`."""
        out = io.BytesIO()
        if call.first:
            fastavro.schemaless_writer(out, RESPONSE, BOTH)
        fastavro.schemaless_writer(out, META, {})
        out.write(b"\0")  # no error
        fastavro.schemaless_writer(out, schema, value)
        body = out.getvalue()
        data = struct.pack(">iii", call.serial, 1, len(body)) + body
        if self._deflate is None:
            return data
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def message(data: bytearray) -> tuple[int, io.BytesIO, int]:
    """(serial, body, length) of the first message; the length is 0 while it is not whole. Raises
    ValueError for a length that cannot be."""
    nothing = (0, io.BytesIO(), 0)
    if len(data) < 8:
        return nothing
    serial, buffers = struct.unpack_from(">ii", data)
    at, parts = 8, []
    for _ in range(buffers):
        length = struct.unpack_from(">i", data, at)[0] if len(data) >= at + 4 else LARGEST_BYTES
        if not 0 <= length <= LARGEST_BYTES:
            raise ValueError(f"no Avro message: a buffer of {length} bytes")
        if len(data) < at + 4 + length:
            return nothing
        parts.append(bytes(data[at + 4 : at + 4 + length]))
        at += 4 + length
    return serial, io.BytesIO(b"".join(parts)), at


def _read(body: io.BytesIO, schema: Any) -> Any:
    return fastavro.schemaless_reader(body, schema, None)
