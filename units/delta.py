"""An output's units as a Delta table, for whatever reads Delta: one transaction for each unit.

    scripts/submit delta --output hdfs://HOST:PORT/PATH --to hdfs://HOST:PORT/OTHER

Start it after the compactor, as often as you like: what the table has already is left. A unit's
next revision replaces its rows, a unit that is no longer kept goes, and what a transaction has
replaced is removed for good after --grace-hours. Ends with one line of JSON on standard output.
scripts/setup --delta brings Delta's jars.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from config import errors
from config.errors import ConfigError, PipelineError
from config.settings import Settings, load
from consumers.output import fail_points, units
from consumers.output.jvm_errors import innermost
from consumers.output.refusals import check_address, refusal
from consumers.output.storage import Storage
from consumers.output.units import UnitManifest
from units.rows import SPARK_SCHEMAS

SCHEMA = f"unit bigint, revision int, {SPARK_SCHEMAS['tweets']}"
_PROPERTIES = {
    # Delta's log keeps the smallest and greatest values of a file's columns for a month, its
    # beginnings of texts too: of an erased tweet nothing may stay
    "delta.dataSkippingStatsColumns": "created_at",
}
_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # it refuses a grace of less than a week
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.hadoop.dfs.blocksize": "128m",
    # as the units: 40 % less than by Spark's default
    "spark.sql.parquet.compression.codec": "zstd",
    # tasks; by default 200, 50, and 10,000 for a VACUUM: this table has a few files for each hour
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "4",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
}
_OWNER = "tweets.identity"


def main() -> None:
    """Bring the table up to the units."""
    settings = load("delta", sys.argv[1:], (__doc__ or "").partition("\n")[0])
    if not settings.to or "{program}" in settings.output:
        what, remedy = "an output and a table are needed", "--output hdfs://… --to hdfs://…"
        raise ConfigError(what, f"--output {settings.output} --to {settings.to}", remedy)
    for address in (settings.output, settings.to):
        check_address(address)
    spark = session()
    try:
        print(json.dumps(_run(spark, settings)), flush=True)
    except Py4JJavaError as error:
        what, remedy = f"Delta refused: {innermost(error)}", "start again, nothing is lost"
        raise (
            refusal(error, settings.output) or PipelineError(what, settings.to, remedy)
        ) from None
    finally:
        spark.stop()


def session() -> SparkSession:
    """Spark with Delta in place."""
    builder = SparkSession.builder.appName("delta")
    for name, value in _CONF.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _run(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    began = time.monotonic()
    storage = Storage(settings.output.rstrip("/"))
    fail_points.arm(settings.fail_point, storage.exists(fail_points.MARK))
    wanted = units.current(storage)
    if not wanted:
        raise ConfigError("the output has no units", storage.root, "scripts/submit compact")
    table = Table(spark, settings.to.rstrip("/"), units.manifest(storage, wanted[0])[0].identity)
    known, written = table.revisions(), []
    for unit in wanted:
        if known.get(unit.first) != unit.revision:
            table.put(units.manifest(storage, unit)[0], storage.root)
            written.append(unit)
            fail_points.visit("unit in the table")
    gone = [first for first in known if first < wanted[0].first]
    if gone:
        table.drop_before(wanted[0].first)
    table.vacuum(settings.grace_hours)
    return {
        "units": sum(unit.first not in known for unit in written),
        "revisions": sum(unit.first in known for unit in written),
        "units_removed": len(gone),
        "seconds": round(time.monotonic() - began, 1),
    }


class Table:
    """The Delta table of one output, made where there is none. Raises ConfigError for that of
    another output."""

    def __init__(self, spark: SparkSession, path: str, identity: str) -> None:
        self._spark, self._path, self._identity = spark, path, identity
        self._name = f"delta.`{path}`"
        properties = ", ".join(
            f"'{name}' = '{value}'" for name, value in {**_PROPERTIES, _OWNER: identity}.items()
        )
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self._name} ({SCHEMA}) USING delta"
            f" PARTITIONED BY (unit, revision) TBLPROPERTIES ({properties})"
        )
        owner = spark.sql(f"SHOW TBLPROPERTIES {self._name} ('{_OWNER}')").collect()[0]["value"]
        if owner != identity:
            what = f"the table is not that of the output {identity}: {owner}"
            raise ConfigError(what, path, "another --to")

    def revisions(self) -> dict[int, int]:
        """Which revision of each unit the table has."""
        rows = self._spark.sql(f"SELECT DISTINCT unit, revision FROM {self._name}").collect()
        return {row["unit"]: row["revision"] for row in rows}

    def put(self, unit: UnitManifest, root: str) -> None:
        """The unit's rows in the place of those of its earlier revisions, in one transaction; Delta
        leaves out one that it has already."""
        names = [file["path"] for file in unit.files if file["path"].startswith("tweets/")]
        schema = SPARK_SCHEMAS["tweets"]
        rows = (
            self._spark.read.schema(schema).parquet(
                *(f"{root}/{unit.unit.folder}/{name}" for name in names)
            )
            if names
            else self._spark.createDataFrame([], schema)
        )
        placed = rows.selectExpr(
            f"{unit.first}L unit", f"{unit.revision} revision", *rows.columns
        ).coalesce(max(1, len(names)))
        writer = placed.write.format("delta").mode("overwrite")
        writer = writer.option("replaceWhere", f"unit = {unit.first}")
        writer = writer.option("txnAppId", f"{self._identity}/{unit.first}")
        writer.option("txnVersion", unit.revision).save(self._path)

    def drop_before(self, first: int) -> None:
        """The rows of units that the output no longer keeps go."""
        self._spark.sql(f"DELETE FROM {self._name} WHERE unit < {first}")

    def vacuum(self, hours: float) -> None:
        """What transactions replaced before these hours goes for good."""
        self._spark.sql(f"VACUUM {self._name} RETAIN {hours:g} HOURS")


if __name__ == "__main__":
    errors.exit_with(main)
