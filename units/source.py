"""The published output as a table and as a stream of Spark: `published_tweets`.

    from units.source import PublishedTweets

    spark.dataSource.register(PublishedTweets)
    spark.readStream.format("published_tweets").load("hdfs://HOST:PORT/PATH")

A stream's offset is the number of the next batch and the hash of the last manifest, so nothing is
listed and nothing is remembered per file: the next batch is asked for by its number. Each row is
read once; that it is written once is the sink's part (docs/units.md). Options: `maxBatches` at most
in one trigger, `kind` (tweets, rejected), `webhdfs`.

The idea is Spark's own file source, which lists a folder (spark.apache.org, structured-streaming).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
)
from pyspark.sql.streaming.datasource import (
    ReadAllAvailable,
    ReadLimit,
    ReadMaxFiles,
    SupportsTriggerAvailableNow,
)

from config.errors import ConfigError, DataLossRisk
from consumers.output import manifests
from consumers.output.units import FOLDER, named
from units import rows
from units.rows import SPARK_SCHEMAS
from views.reading import Published

TASKS = 32  # a trigger's batches are shared out to at most this many
REMEDY = "scripts/audit.py shows what is there"
Offset = dict[str, Any]


@dataclass
class Batches(InputPartition):
    """Batches [first, until) for one task; it expects the manifest before them to have this hash,
    where one is known."""

    first: int
    until: int
    previous: str | None = None


@dataclass
class WholeUnit(InputPartition):
    """The files of a unit, by the output's names."""

    files: list[str]


class PublishedTweets(DataSource):
    """Everything that an output holds, as `units.reading` gives it, in a batch or as a stream."""

    @classmethod
    def name(cls) -> str:
        """What `format` calls it."""
        return "published_tweets"

    def schema(self) -> str:
        """The columns of docs/wire-format.md; `tweet` is binary."""
        return SPARK_SCHEMAS[self._kind]

    def reader(self, schema: Any) -> "Snapshot":  # noqa: ARG002  Spark's arguments
        """What is published by now. Raises ConfigError for an option that is wrong."""
        return Snapshot(*self._place, self._kind)

    def streamReader(self, schema: Any) -> "Stream":  # noqa: ARG002, N802
        """What is published, batch after batch. Raises ConfigError for an option that is wrong."""
        limit = self.options.get("maxBatches", "0")
        if not limit.isdecimal():
            raise ConfigError("this is not a number of batches", f"maxBatches={limit}", "give 100")
        return Stream(*self._place, self._kind, int(limit))

    @property
    def _kind(self) -> str:
        kind = self.options.get("kind", "tweets")
        if kind not in SPARK_SCHEMAS:
            raise ConfigError("there are no rows of this kind", f"kind={kind}", "tweets, rejected")
        return kind

    @property
    def _place(self) -> tuple[str, str]:
        place = (self.options.get("path", ""), self.options.get("webhdfs", ""))
        Published(*place)  # raises where it is none
        return place


class Rows:
    """Plans and reads; both readers are one of these. It is sent to the executors, so that it
    holds no client."""

    def __init__(self, output: str, webhdfs: str, kind: str) -> None:
        self._output, self._webhdfs, self._kind = output, webhdfs, kind

    @property
    def _published(self) -> Published:
        """With a client of its own, for one task or one trigger."""
        return Published(self._output, self._webhdfs)

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one task, on an executor. Raises DataLossRisk where a batch is missing or is
        not the one that was planned."""
        if isinstance(partition, WholeUnit):
            published = self._published
            for name in partition.files:
                yield from _for_spark(rows.read(published.data(name)))
        elif isinstance(partition, Batches):
            yield from self._batches(partition)

    def _plan(self, first: int, until: int, previous: str | None) -> list[InputPartition]:
        """Tasks for the batches [first, until): a unit where there is one, for what was erased is
        still in the batches that it replaces."""
        published, parts = self._published, list[InputPartition]()
        units = {unit.first: unit for unit in named(published.names(FOLDER))}
        while first < until:
            unit = published.unit(units[first]) if first in units else None
            if unit is not None and unit.until <= until:
                names = (file["path"] for file in unit.files)
                folder = unit.unit.folder
                parts.append(WholeUnit([f"{folder}/{one}" for one in names if self._is_mine(one)]))
                first, previous = unit.until, unit.last
                continue
            if not published.there(first):
                raise DataLossRisk(
                    f"batches {first} to {until - 1} were asked for, and are a part of a unit now",
                    self._output,
                    "start with another checkpoint, and give the compactor a longer --grace-hours",
                )
            end = min((one for one in units if first < one < until), default=until)
            each = -(-(end - first) // TASKS)
            for begin in range(first, end, each):
                known = previous if begin == first else None
                parts.append(Batches(begin, min(begin + each, end), known))
            first, previous = end, None
        return parts

    def _batches(self, wanted: Batches) -> Iterator[pa.RecordBatch]:
        published, previous = self._published, wanted.previous
        for seq in range(wanted.first, wanted.until):
            found = published.manifest(seq)
            if found is None:
                raise DataLossRisk("a batch was removed while it was read", f"batch {seq}", REMEDY)
            manifest, data = found
            if previous is not None and manifest.previous != previous:
                what = "this batch does not follow the one before: the output was replaced"
                raise DataLossRisk(what, f"{self._output}, batch {seq}", REMEDY)
            previous = manifests.digest(data)
            for file in manifest.files:
                if self._is_mine(file["path"]):
                    for block in published.blocks(seq, file["path"]):
                        lines = block.split(b"\n")
                        yield from _for_spark(rows.table(self._kind, [one for one in lines if one]))

    def _is_mine(self, path: str) -> bool:
        return path.startswith(f"{self._kind}/")


class Snapshot(Rows, DataSourceReader):
    """`spark.read`."""

    def partitions(self) -> Sequence[InputPartition]:
        """All that is there now."""
        return self._plan(0, self._published.length(), None)


class Stream(Rows, DataSourceStreamReader, SupportsTriggerAvailableNow):
    """`spark.readStream`."""

    def __init__(self, output: str, webhdfs: str, kind: str, limit: int) -> None:
        super().__init__(output, webhdfs, kind)
        self._limit = limit
        self._end: int | None = None  # of a query that reads what is there now

    def initialOffset(self) -> Offset:  # noqa: N802  Spark's names from here on
        """Before the first batch that was ever published."""
        return {"seq": 0, "sha256": ""}

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802
        """`maxBatches`, as Spark calls it for files."""
        return ReadMaxFiles(self._limit) if self._limit else ReadAllAvailable()

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802
        """What is published from here on is left to the next query."""
        self._end = self._published.length()

    def latestOffset(self, start: Offset, limit: ReadLimit) -> Offset:  # noqa: N802
        """Behind the newest batch, or as far as the limit; a unit whose batches are gone is one
        step."""
        published = self._published
        first = int(start["seq"])
        length = published.length(first) if self._end is None else self._end
        until = min(length, first + limit.max_files) if isinstance(limit, ReadMaxFiles) else length
        if first >= until:
            return start
        if until < length and not published.there(first):
            units = named(published.names(FOLDER))
            unit = published.unit(max(one for one in units if one.first <= first))
            return {"seq": unit.until, "sha256": unit.last}
        found = published.manifest(until - 1)
        if found is None:
            raise DataLossRisk("a batch is missing", f"batch {until - 1}", REMEDY)
        return {"seq": until, "sha256": manifests.digest(found[1])}

    def partitions(self, start: Offset, end: Offset) -> Sequence[InputPartition]:
        """One per unit, and the batches shared out."""
        return self._plan(int(start["seq"]), int(end["seq"]), str(start["sha256"]) or None)


def _for_spark(table: pa.Table) -> list[pa.RecordBatch]:
    """Spark counts microseconds where we have milliseconds."""
    return list(table.cast(_in_microseconds(table.schema)).to_batches())


def _in_microseconds(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(one.name, _micro(one.type)) for one in schema])


def _micro(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _micro(one.type)) for one in kind])
    if pa.types.is_list(kind):
        return pa.list_(_micro(kind.value_type))
    return kind
