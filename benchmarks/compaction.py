"""A day of small batches, before and after the compactor: NameNode objects, bytes, the time of a
start, scan time, and the CPU of compaction and erasure.

    scripts/submit benchmarks/compaction.py [BATCHES [TWEETS PER BATCH]]

By default 86,400 batches of 12 invented tweets. benchmarks/texts.py says of what their texts are,
benchmarks/day.py how the batches are written. Then 1,000 of the tweets are deleted, half by
tombstones, half by a list. Every other tweet's bytes are compared with what was written. Beyond
SCANNED batches Spark does not scan the raw ones: it opens every file. Starts are timed after the
removal and again until HDFS has deleted the files' blocks. Writes benchmarks/results/units.json,
one entry for each number of batches. Needs HDFS (scripts/services start namenode datanode-1) on its
usual port, or TWEETS_OUTPUT. With Delta's jars (scripts/setup --delta) the units are copied into a
table too, by a program of its own, which then runs again and finds nothing to do.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import texts
from benchmarks.by_turns import cpu_seconds
from benchmarks.day import PARTITION, Day, deleted, fill, hashed
from config.errors import exit_with
from config.venv import ROOT
from consumers.output import aside, units
from consumers.output.commits import Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from consumers.tweets import SCHEMA
from local import jars
from units import compactor as program
from units import erasures, rows
from units.report import Report

RESULTS = Path(__file__).resolve().parent / "results" / "units.json"
STARTS, SCANNED, SETTLED, SETTLED_S = 9, 10_000, 1000, 300


def size(files: Storage) -> dict[str, int]:
    """Folders, files and blocks are the NameNode's objects; each file has one block here."""
    found = files._files.getContentSummary(files._path(""))
    folders, count = found.getDirectoryCount(), found.getFileCount()
    return {"objects": folders + 2 * count, "files": count, "bytes": found.getLength()}


def start_ms(files: Storage, empty: Storage) -> dict[str, float]:
    """The medians of a driver's starts, here and on an empty output in turn: whatever else the
    machine does slows both."""
    seconds: dict[str, list[float]] = {"here": [], "empty": []}
    for _ in range(STARTS):
        for name, some in (("empty", empty), ("here", files)):
            began = time.monotonic()
            own, offsets = Ownership.claim(some, "direct"), {PARTITION: (0, 10**9)}
            Output.take_over(own, "vader", {"tweets": "id"}, offsets)
            seconds[name].append(time.monotonic() - began)
    return {name: round(1000 * statistics.median(found), 1) for name, found in seconds.items()}


def starts_after(files: Storage, empty: Storage) -> dict[str, Any]:
    """A driver's starts, by the seconds since the removal, while the DataNode deletes blocks."""
    found: dict[str, Any] = {}
    began = time.monotonic()
    while True:
        blocks = files._files.getDataNodeStats()[0].getNumBlocks()
        since = f"{time.monotonic() - began:.0f}"
        found[since] = {**start_ms(files, empty), "blocks": blocks}
        if blocks < SETTLED or time.monotonic() - began > SETTLED_S:
            return found
        time.sleep(10)  # between two measurements


def cpu_s() -> float:
    """The CPU that the JVM, this process and Spark's Python workers have used."""
    return cpu_seconds(SparkContext.getOrCreate()) + time.process_time()


def scan(spark: SparkSession, kind: str, paths: list[str]) -> dict[str, float]:
    """A count by language and label over the day."""
    began, before = time.monotonic(), cpu_s()
    reader = spark.read.schema(SCHEMA.replace("tweet string", "tweet binary"))
    found = reader.parquet(*paths) if kind == "units" else spark.read.schema(SCHEMA).json(paths)
    found.groupBy("lang", "sentiment.label").count().collect()
    seconds = time.monotonic() - began
    return {"scan_s": round(seconds, 1), "scan_cpu_s": round(cpu_s() - before, 1)}


def timed(compactor: program.Compactor, hours: tuple[float, float, float]) -> dict[str, Any]:
    """A run of the compactor: its report, and its CPU."""
    before = cpu_s()
    compactor.report = Report()
    return {**compactor.run(*hours).as_dict(), "cpu_s": round(cpu_s() - before, 1)}


def check(files: Storage, day: Day, gone: set[str]) -> dict[str, int]:
    """Hold every tweet in the units against what was written."""
    found = dict.fromkeys(("there", "erased", "changed", "undeleted"), 0)
    for unit in units.current(files):
        for file in units.manifest(files, unit)[0].files:
            if not file["path"].startswith("tweets/"):
                continue
            table = rows.read(files.read(f"{unit.folder}/{file['path']}"))
            offsets = [offset for _, _, offset in rows.offsets(table)]
            for offset, tweet in zip(offsets, table["tweet"].to_pylist(), strict=True):
                if offset < len(day.ids):
                    found["there"] += 1
                    found["changed"] += hashed(tweet) != day.hashes[offset]
                    found["undeleted"] += day.ids[offset] in gone
    found["erased"] = len(day.ids) - found["there"]
    return found


def copied(files: Storage, tweets: int) -> dict[str, float]:
    """What a Delta table of the units costs: seconds and CPU seconds of the program that copies
    them, of its next run, and of a million tweets (the one less the other)."""
    table = Storage(f"{files.root}-table")
    command = [str(ROOT / "scripts" / "submit"), "delta", "--output", files.root]
    # what spark-submit has set for this program is not for another one
    its = ("PYTHONPATH", "PYSPARK_", "SPARK_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(its)}
    found: dict[str, float] = {}
    for name in ("", "again_"):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        line = [*command, "--to", table.root]
        subprocess.run(line, env=environ, check=True, stdout=sys.stderr)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found[f"{name}seconds"] = round(time.monotonic() - began, 1)
        found[f"{name}cpu_s"] = round(cpu, 1)
    found["cpu_s_per_million"] = round((found["cpu_s"] - found["again_cpu_s"]) * 1e6 / tweets, 1)
    found["bytes"] = size(table)["bytes"]
    table.delete("")
    return found


def main() -> None:
    """Build the day, compact it, erase, remove, and write the figures down."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 86_400
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    address = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}")
    spark = SparkSession.builder.getOrCreate()
    files = Storage(f"{address.partition('/tweets/')[0]}/bench/units-{int(time.time())}")
    figures: dict[str, Any] = {"cores": os.cpu_count(), "batches": batches}
    figures |= {"tweets": batches * each, "texts_packed_to": texts.comparison()}
    empty = Storage(f"{files.root}-empty")
    start_ms(empty, empty)  # makes it, and warms this process
    began = time.monotonic()
    day = fill(Ownership.claim(files, "direct"), batches, each)
    figures["fill_s"] = round(time.monotonic() - began)
    figures["raw"] = {**size(files), "start_ms": start_ms(files, empty)}
    if batches <= SCANNED:
        figures["raw"] |= scan(spark, "raw", [f"{files.root}/batches/*/*/tweets"])
    program.is_over = lambda _hour: True  # type: ignore[assignment]
    compactor = program.Compactor(files, aside.claim(files))
    figures["compaction"] = timed(compactor, (10**6, 10**6, 0))
    figures["both"] = size(files)
    gone = [{day.ids[at] for at in some} for some in deleted(len(day.ids))]
    erasures.publish(files, sorted(gone[1]), "a benchmark")
    figures["erasure"] = timed(compactor, (10**6, 0, 0))
    figures["removal"] = timed(compactor, (0, 10**6, 0))
    figures["starts_ms_after_s"] = starts_after(files, empty)
    folders = [f"{files.root}/{unit.folder}/tweets" for unit in units.current(files)]
    figures["units"] = {
        **size(files),
        **scan(spark, "units", folders),
        "start_ms": start_ms(files, empty),
    }
    if jars.installed(jars.DELTA):
        figures["delta"] = copied(files, figures["tweets"])
    figures["check"] = check(files, day, set.union(*gone))
    cpu = figures["compaction"]["cpu_s"]
    figures["cpu_s_per_million"] = round(cpu * 1_000_000 / figures["tweets"], 1)
    for some in (files, empty):
        some.delete("")
    print(json.dumps(figures))
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[str(batches)] = figures
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
