"""Avro's RPC over Netty's framing, as far as Flume speaks it, from both sides.

A message is (serial, number of buffers), int32, then (length, bytes) for each. The first request
and answer of a connection begin with Avro's handshake (Avro 1.8, "Protocol Wire Format"). Where we
answer, we answer BOTH, so that no protocol's text is needed; where we ask, we send ours.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from typing import Any, NamedTuple

import fastavro

_MD5 = {"type": "fixed", "name": "MD5", "size": 16}
_META = {"type": "map", "values": "bytes"}
_MATCH = {"type": "enum", "name": "Match", "symbols": ["BOTH", "CLIENT", "NONE"]}
_TEXT, _MORE = ["null", "string"], ["null", _META]


def record(name: str, **fields: Any) -> Any:
    """The schema of a record with these fields."""
    rows = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "fields": rows}


META = fastavro.parse_schema(_META)
REQUEST = fastavro.parse_schema(
    record("Request", clientHash=_MD5, clientProtocol=_TEXT, serverHash="MD5", meta=_MORE)
)
RESPONSE = fastavro.parse_schema(
    record("Response", match=_MATCH, serverProtocol=_TEXT, serverHash=["null", _MD5], meta=_MORE)
)
BOTH = {"match": "BOTH", "serverProtocol": None, "serverHash": None, "meta": None}
LARGEST_BYTES = 64 * 1024 * 1024  # of one buffer; a larger length is no Avro


class Call(NamedTuple):
    """A request: `body` begins behind its name, `first` says that it came with the handshake."""

    serial: int
    first: bool
    name: str
    body: io.BytesIO


class Answering:
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
        for serial, body in messages(self._data):
            first, self._first = self._first, False
            if first:
                read(body, REQUEST)
            read(body, META)
            calls.append(Call(serial, first, read(body, "string"), body))
        return calls

    def answer(self, call: Call, schema: Any, value: Any) -> bytes:
        """The bytes that say that the call gave `value`."""
        handshake = [(RESPONSE, BOTH)] if call.first else []
        # false: no error
        data = written(call.serial, *handshake, (META, {}), ("boolean", False), (schema, value))
        if self._deflate is None:
            return data
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


class Asking:
    """One connection, seen from the side that asks; `protocol` is its text, in JSON."""

    def __init__(self, protocol: str) -> None:
        self._data, self._protocol = bytearray(), protocol
        self._serial = 0
        self._results: dict[int, Any] = {}

    def call(self, name: str, schema: Any, value: Any, result: Any) -> bytes:
        """The bytes that call `name` with one parameter; `result` is its answer's schema."""
        self._serial += 1
        self._results[self._serial] = result
        ours = {"clientHash": hashlib.blake2b(self._protocol.encode(), digest_size=16).digest()}
        hello = {**ours, "clientProtocol": self._protocol, "serverHash": bytes(16), "meta": None}
        handshake = [(REQUEST, hello)] if self._serial == 1 else []
        return written(self._serial, *handshake, (META, {}), ("string", name), (schema, value))

    def fed(self, data: bytes) -> list[Any]:
        """The answers that are whole with these bytes. Raises ValueError or EOFError for what is no
        Avro, and for an answer that is an error."""
        self._data += data
        values = []
        for serial, body in messages(self._data):
            if serial == 1:
                read(body, RESPONSE)
            read(body, META)
            if read(body, "boolean"):
                raise ValueError(f"the answer to call {serial} is an error: {body.read()[:200]!r}")
            values.append(read(body, self._results.pop(serial)))
        return values


def messages(data: bytearray) -> Any:
    """(serial, body) of each message that is whole; it is taken out of `data`. Raises ValueError
    for a length that cannot be."""
    while True:
        serial, body, length = _message(data)
        if not length:
            return
        del data[:length]
        yield serial, body


def _message(data: bytearray) -> tuple[int, io.BytesIO, int]:
    """(serial, body, length) of the first message; the length is 0 while it is not whole."""
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


def written(serial: int, *parts: tuple[Any, Any]) -> bytes:
    """A message of these (schema, value)."""
    out = io.BytesIO()
    for schema, value in parts:
        fastavro.schemaless_writer(out, schema, value)
    body = out.getvalue()
    return struct.pack(">iii", serial, 1, len(body)) + body


def read(body: io.BytesIO, schema: Any) -> Any:
    """The next value."""
    return fastavro.schemaless_reader(body, schema, None)
