"""Everything that an output holds as one table, each record once: its units, and the batches behind
them. Reading goes on while jobs, compactor, erasure and retention do.

    from units.reading import table, tweets

    tweets(spark, "hdfs://HOST:PORT/PATH").createOrReplaceTempView("tweets")   # Spark
    table("hdfs://HOST:PORT/PATH", ["id", "text"]).to_pandas()                 # pandas
    tweets = table("hdfs://HOST:PORT/PATH"); duckdb.sql("from tweets")         # DuckDB

Rows are those of docs/wire-format.md, but that `tweet` is binary: the bytes as they were received.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from config.errors import DataLossRisk
from consumers.output import chain, units
from consumers.output.manifests import Manifest
from consumers.output.units import UnitManifest
from units import rows
from units.rows import HEAD, SPARK_SCHEMAS
from views.reading import Published

TRIES = 5
T = TypeVar("T")
_LINE = (
    f"from_json(concat(substring(value, 1, place - 1), '}}'), '{HEAD}') row",
    "encode(substring(value, place + 9, length(value) - place - 9), 'utf-8') tweet",
)


class Paths(NamedTuple):
    """What a reader has to read, by full addresses: Parquet files of units, and packed JSON lines
    of the batches that no unit has."""

    units: list[str]
    batches: list[str]


def paths(output: str, kind: str = "tweets", webhdfs: str = "") -> Paths:
    """The files of one kind (tweets, rejected) that hold each record once, as things are now.

    They stay for the compactor's --grace-hours, whatever is published meanwhile. Raises
    ServiceUnreachable when HDFS does not answer, DataLossRisk where the output is damaged.
    """
    published = Published(output, webhdfs)
    return _steady(lambda: _paths(published, kind))


def tweets(spark: Any, output: str, kind: str = "tweets", webhdfs: str = "") -> Any:
    """A DataFrame of everything that is published by now."""
    found = paths(output, kind, webhdfs)
    parts = []
    if found.units:
        parts.append(spark.read.schema(SPARK_SCHEMAS[kind]).parquet(*found.units))
    if found.batches and kind == "rejected":
        parts.append(spark.read.schema(SPARK_SCHEMAS[kind]).json(found.batches))
    elif found.batches:
        # not by Spark's reader of JSON, which writes objects again: the bytes would be others
        lines = spark.read.text(found.batches)
        placed = lines.selectExpr("value", """instr(value, ',"tweet":') place""")
        parts.append(placed.selectExpr(*_LINE).select("row.*", "tweet"))
    if not parts:
        return spark.createDataFrame([], SPARK_SCHEMAS[kind])
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def table(
    output: str, columns: Sequence[str] | None = None, kind: str = "tweets", webhdfs: str = ""
) -> pa.Table:
    """An Arrow table of everything that is published by now, or of some of its columns; it is held
    in memory."""
    published = Published(output, webhdfs)
    return _steady(lambda: _table(published, kind, list(columns) if columns else None))


def _table(published: Published, kind: str, columns: list[str] | None) -> pa.Table:
    found = _paths(published, kind)
    names = [one.removeprefix(f"{published.output.rstrip('/')}/") for one in found.units]
    parts = [rows.read(published.data(name), columns) for name in names]
    for one in found.batches:
        data = published.data(one.removeprefix(f"{published.output.rstrip('/')}/"))
        for lines in rows.lines_of(data):
            part = rows.table(kind, lines)
            parts.append(part.select(columns) if columns else part)
    empty = rows.SCHEMAS[kind].empty_table()
    return pa.concat_tables([empty.select(columns) if columns else empty, *parts])


def _steady(read: Callable[[], T]) -> T:
    """What `read` gives; where something has just been removed, it begins again."""
    for _ in range(TRIES - 1):
        try:
            return read()
        except FileNotFoundError:
            continue
    try:
        return read()
    except FileNotFoundError as error:
        what, remedy = "the output has a gap", "scripts/audit.py shows what is there"
        raise DataLossRisk(what, str(error), remedy) from None


def _paths(published: Published, kind: str) -> Paths:
    newest = units.named(published.names(units.FOLDER))
    of_units: list[str] = []
    next_batch = newest[0].first if newest else 0
    for unit in newest:
        folder = unit.folder
        _expect(published, unit.first, next_batch)
        unit_manifest = published.unit(unit)
        next_batch = unit_manifest.until
        of_units += _files(published, folder, unit_manifest, kind)
    of_batches: list[str] = []
    for folder, seq in _batches(published, next_batch):
        _expect(published, seq, next_batch)
        found = published.manifest(seq)
        if found is None:
            raise FileNotFoundError(f"{published.output} has no batch {seq}")
        next_batch += 1
        of_batches += _files(published, folder, found[0], kind)
    return Paths(of_units, of_batches)


def _batches(published: Published, first: int) -> Iterator[tuple[str, int]]:
    """The folders of the batches from this number on, as they are listed now."""
    for shard in published.names("batches"):
        if int(shard) >= first // chain.SHARD:
            for name in published.names(f"batches/{shard}"):
                if int(name) >= first:
                    yield f"batches/{shard}/{name}", int(name)


def _expect(published: Published, seq: int, wanted: int) -> None:
    """A gap says that the compactor has published and removed between two listings."""
    if seq != wanted:
        raise FileNotFoundError(f"{published.output} has no batch {wanted}")


def _files(
    published: Published, folder: str, manifest: Manifest | UnitManifest, kind: str
) -> list[str]:
    root = published.output.rstrip("/")
    names = (file["path"] for file in manifest.files)
    return [f"{root}/{folder}/{name}" for name in names if name.startswith(f"{kind}/")]
