"""What the audit reads of a unit: its manifest, and its Parquet files as the lines they were made
of. No line shared with the code that wrote them."""

import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from audit.chain import Damaged

TOMBSTONES = "tombstones.parquet"
BATCH_ROWS = 5000
_HEAD = ("kafka", "id", "author_id", "created_at", "deleted", "sentiment")


def revisions(names: Iterable[str]) -> list[str]:
    """The newest revision of each unit among these folders' names, in the order of the batches."""
    newest: dict[int, int] = {}
    for name in names:
        first, mark, revision = name.partition("-r")
        if mark and first.isdecimal() and revision.isdecimal():
            newest[int(first)] = max(newest.get(int(first), 0), int(revision))
    return [f"{first:010d}-r{newest[first]}" for first in sorted(newest)]


def lines(path: str, data: bytes) -> Iterator[bytes]:
    """The rows of a unit's file as a batch has them. Raises Damaged where it cannot be read."""
    if path == TOMBSTONES:
        return
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        wanted = {"tweets": [*_HEAD, "tweet"], "rejected": ["kafka", "key", "reason", "raw"]}
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted.get(path.partition("/")[0])):
            for row in batch.to_pylist():
                yield _line(path, row)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise Damaged(str(error)) from None


def _line(path: str, row: dict[str, Any]) -> bytes:
    if path == "erased.parquet":
        at = {name: row[name] for name in ("topic", "partition", "offset")}
        return msgspec.json.encode({"kafka": {**at, "timestamp": 0}, "erased": row["reason"]})
    tweet = row.pop("tweet", None)
    head = {name: value for name, value in row.items() if value is not None or name == "key"}
    line = msgspec.json.encode(head)
    return line if tweet is None else line[:-1] + b',"tweet":' + tweet + b"}"


def tombstones(data: bytes) -> dict[str, int]:
    """The time of each deletion in ms, by id."""
    found = pq.ParquetFile(io.BytesIO(data)).read(["id", "timestamp"]).to_pylist()
    return {row["id"]: row["timestamp"] for row in found if row["id"]}


def listed(data: bytes) -> dict[str, int]:
    """As above, of a list of ids."""
    content = json.loads(data)
    then = msgspec.convert(content["time"], type=datetime)
    return dict.fromkeys(content["ids"], int(then.timestamp() * 1000))
