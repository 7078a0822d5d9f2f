"""A unit's Parquet rows as the lines that the views fold."""

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from views.store.lines import Kafka, Line, Places, Rejected, Sentiment

_PLAIN = ("id", "lang", "author_id", "author", "lat", "lon", "geo_kind", "country", "place")
_COLUMNS = {
    "tweets": ["kafka", "created_at", "hashtags", "text", "sentiment", *_PLAIN],
    "rejected": ["kafka", "reason", "key"],
}


def groups(data: bytes, kind: str) -> Iterator[pa.Table]:
    """The rows of a file, some thousands at a time. Raises ValueError where they cannot be read."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, _COLUMNS[kind], use_threads=False)
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(str(error)) from None


def places(data: bytes) -> Places:
    """The records that erased.parquet names."""
    rows = pq.ParquetFile(io.BytesIO(data)).read(["topic", "partition", "offset"]).to_pylist()
    return {(row["topic"], row["partition"], row["offset"]) for row in rows}


def only(table: pa.Table, wanted: Places) -> pa.Table:
    """The rows of these records."""
    offsets = pa.array(sorted({offset for *_, offset in wanted}), pa.int64())
    kafka = pc.struct_field(table["kafka"], "offset")
    some = table.filter(pc.is_in(kafka, offsets))  # few are left, so that the rest is quick
    at = some["kafka"].to_pylist()
    return some.filter(
        pa.array([(one["topic"], one["partition"], one["offset"]) in wanted for one in at], "bool")
    )


def tweets(table: pa.Table) -> list[Line]:
    """As views/store/lines.py reads them from a batch."""
    found: dict[str, list[Any]] = {name: table[name].to_pylist() for name in _PLAIN}
    found["kafka"] = _kafka(table)
    times = pc.strftime(table["created_at"], format="%Y-%m-%dT%H:%M:%SZ")
    found["created_at"] = times.to_pylist()
    found["hashtags"] = [tags or [] for tags in table["hashtags"].to_pylist()]
    texts = table["text"].to_pylist()
    found["text"] = [msgspec.Raw(msgspec.json.encode(text or "")) for text in texts]
    parts = (pc.struct_field(table["sentiment"], name) for name in ("compound", "label"))
    found["sentiment"] = [
        None if label is None else Sentiment(compound, label)
        for compound, label in zip(*(part.to_pylist() for part in parts), strict=True)
    ]
    names = list(found)
    return [Line(**dict(zip(names, row, strict=True))) for row in zip(*found.values(), strict=True)]


def rejected(table: pa.Table) -> list[Rejected]:
    """As above."""
    return list(map(Rejected, _kafka(table), table["reason"].to_pylist()))


def _kafka(table: pa.Table) -> list[Kafka]:
    return [Kafka(ms) for ms in pc.struct_field(table["kafka"], "timestamp").to_pylist()]
