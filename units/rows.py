"""Lines of a batch's files as Arrow tables, and these as Parquet. The columns are those of
docs/wire-format.md; a tweet's bytes are those of its line, exactly."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq
from isal import igzip

from consumers.tweets import row

BLOCK_BYTES = 4 * 1024 * 1024
GROUP_ROWS = 20_000
_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms", "UTC"),
}


def _type(words: str) -> pa.DataType:
    """Spark's words for a type, as row.SCHEMA has them."""
    if words.startswith("array<"):
        return pa.list_(_type(words[6:-1]))
    if words.startswith("struct<"):
        members = (member.split(": ") for member in words[7:-1].split(", "))
        return pa.struct([pa.field(name, _type(kind)) for name, kind in members])
    return _ARROW[words]


def _columns() -> list[tuple[str, str]]:
    """Name and type of each column; no type has a space in front of a name but in a struct."""
    found, depth, begin = [], 0, 0
    for at, sign in enumerate(f"{row.SCHEMA},"):
        depth += (sign == "<") - (sign == ">")
        if sign == "," and not depth:
            name, _, words = row.SCHEMA[begin:at].strip().partition(" ")
            found.append((name, words))
            begin = at + 1
    return found


_KAFKA = _type(dict(_columns())["kafka"])
TWEETS = pa.schema(
    [pa.field(name, _type(words)) for name, words in _columns() if name != "tweet"]
    + [pa.field("tweet", pa.binary())]
)
REJECTED = pa.schema(
    [("kafka", _KAFKA), ("key", pa.string()), ("reason", pa.string()), ("raw", pa.binary())]
)
SCHEMAS = {"tweets": TWEETS, "rejected": REJECTED}
HEAD, _, _TWEET = row.SCHEMA.rpartition(", ")  # the tweet is the last column
SPARK_SCHEMAS = {
    "tweets": f"{HEAD}, tweet binary",
    "rejected": f"{HEAD.partition(', id ')[0]}, key string, reason string, raw binary",
}
"""The same in Spark's words."""
_HEADS = pa.schema([field for field in TWEETS if field.name != "tweet"])


def table(kind: str, lines: list[bytes]) -> pa.Table:
    """The lines of one kind (without line ends) as a table. Raises pyarrow.ArrowInvalid where one
    is not a row."""
    if not lines:
        return SCHEMAS[kind].empty_table()
    if kind == "rejected":
        found = _read(lines, REJECTED.set(3, pa.field("raw", pa.string())))
        raw = [base64.b64decode(text.as_py() or "") for text in found.column("raw")]
        return found.set_column(3, "raw", pa.array(raw, pa.binary()))
    # A line's first `,"tweet":` is its own key: within a JSON string the quotes have backslashes.
    parts = [line.partition(b',"tweet":') for line in lines]
    heads = _read([head + b"}" for head, _, _ in parts], _HEADS)
    tweets = pa.array([rest[:-1] for _, _, rest in parts], pa.binary())
    return heads.append_column(TWEETS.field("tweet"), tweets)


def _read(lines: list[bytes], schema: pa.Schema) -> pa.Table:
    """Arrow reads times as texts here: its JSON reader takes no zone."""
    text = [
        pa.field(field.name, pa.string()) if pa.types.is_timestamp(field.type) else field
        for field in schema
    ]
    data = b"\n".join(lines)
    found = pj.read_json(
        io.BytesIO(data),
        pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        pj.ParseOptions(explicit_schema=pa.schema(text), unexpected_field_behavior="ignore"),
    )
    if len(found) != len(lines):
        raise pa.ArrowInvalid(f"{len(lines)} lines are {len(found)} rows")
    for at, field in enumerate(schema):
        if pa.types.is_timestamp(field.type):
            found = found.set_column(at, field, _times(found.column(at), field.type))
    return found.cast(schema)


def _times(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The times; null where a stranger's text is none, as for Spark."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return pa.chunked_array([[_time(text, kind) for text in texts]], kind)


def _time(text: pa.StringScalar, kind: pa.DataType) -> pa.Scalar | None:
    try:
        return text.cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def lines_of(data: bytes) -> Iterator[list[bytes]]:
    """The whole lines of a packed file, without their ends, about BLOCK_BYTES of them at a time."""
    file, rest = igzip.IGzipFile(fileobj=io.BytesIO(data)), b""  # type: ignore[no-untyped-call]
    while block := file.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        yield whole
    if rest:
        yield [rest]


class _Sink(io.RawIOBase):
    """A file whose bytes are taken out as they are written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        self.length += len(self.pieces[-1])
        return len(self.pieces[-1])

    def tell(self) -> int:
        return self.length


class Writer:
    """One Parquet file, whose bytes come out as they are made."""

    def __init__(self, kind: str) -> None:
        self.kind, self.rows, self._sink = kind, 0, _Sink()
        self._file: pq.ParquetWriter | None = None

    def write(self, found: pa.Table) -> bytes:
        """Sort these rows by time, write them, and give the bytes that are done."""
        if not len(found):
            return b""
        if self._file is None:
            self._file = pq.ParquetWriter(
                self._sink, SCHEMAS[self.kind], compression="zstd", compression_level=1
            )
        if self.kind == "tweets":
            found = found.sort_by([("created_at", "ascending"), ("id", "ascending")])
        self._file.write_table(found, row_group_size=GROUP_ROWS)
        self.rows += len(found)
        return self._taken()

    def close(self) -> bytes:
        """The file's last bytes; none where no row was written."""
        if self._file is not None:
            self._file.close()
        return self._taken()

    def _taken(self) -> bytes:
        data = b"".join(self._sink.pieces)
        self._sink.pieces.clear()
        return data


def read(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file's table, or some of its columns."""
    return pq.ParquetFile(io.BytesIO(data)).read(columns, use_threads=False)


def offsets(found: pa.Table) -> Iterator[tuple[str, int, int]]:
    """Topic, partition and offset of each row."""
    kafka = found.column("kafka").combine_chunks()
    names = [pc.struct_field(kafka, name).to_pylist() for name in ("topic", "partition", "offset")]
    yield from zip(*names, strict=True)


def parquet(columns: dict[str, list[Any]], schema: pa.Schema) -> bytes:
    """A small table as one file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema), sink, compression="zstd")
    return sink.getvalue()
