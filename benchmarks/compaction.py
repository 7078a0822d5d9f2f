"""A day of small batches, before and after the compactor: NameNode objects, bytes, the time of a
start, scan time, and the CPU of compaction and erasure.

    scripts/submit benchmarks/compaction.py [BATCHES [TWEETS PER BATCH]]

By default 86,400 batches of 12 invented tweets (producer/sources/sample.py: their texts repeat more
than people's, so that both formats pack them too well; compare the formats). The batches' files are
written directly, in the layout of the commit protocol, which takes longer. Then 1,000 of the tweets
are deleted, half by tombstones, half by a list. Every other tweet's bytes are compared with what
was written. Beyond SCANNED batches Spark does not scan the raw ones: it opens every file. Writes
benchmarks/results/units.json, one entry for each number of batches. Needs HDFS (scripts/services
start namenode datanode-1) on its usual port, or TWEETS_OUTPUT.
"""

import gzip
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from pyspark.sql import SparkSession

from config.errors import exit_with
from consumers import sentiment
from consumers.output import aside, chain, manifests, units
from consumers.output.commits import Output
from consumers.output.manifests import Manifest
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from consumers.tweets import SCHEMA
from consumers.tweets.parse import Deleted, parse, row
from producer.sources.sample import sample
from units import compactor as program
from units import erasures, rows
from units.report import Report

RESULTS = Path(__file__).resolve().parent / "results" / "units.json"
PARTITION, DELETED, STARTS, THREADS, SCANNED = ("tweets", 0), 1000, 9, 8, 10_000
DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    """Id and line of this many tweets, as a job writes them."""
    records = iter(sample(1))
    for start in range(0, count, 1000):
        some = list(islice(records, min(1000, count - start)))
        found = [parse(record.value, None, 1 << 20) for record in some]
        scores = sentiment.score([one.text for one in found])  # type: ignore[union-attr]
        for offset, (one, score) in enumerate(zip(found, scores, strict=True), start):
            yield one.id, row(*PARTITION, offset, 1000 * offset, one, score)  # type: ignore[union-attr]


def fill(files: Storage, own: Ownership, batches: int, each: int) -> tuple[list[str], list[bytes]]:
    """Write the day; returns the ids and the hashes of the tweets' bytes."""
    ids: list[str] = []
    hashes: list[bytes] = []
    gone, _ = deleted(batches * each)
    source, previous, pool = lines(batches * each), None, ThreadPoolExecutor(THREADS)
    written, local = [], Path(tempfile.mkdtemp())
    for seq in range(batches):
        found = list(islice(source, each))
        ids += [id for id, _ in found]
        hashes += [hashed(line.partition(b',"tweet":')[2][:-1]) for _, line in found]
        start, end, kinds = seq * each, (seq + 1) * each, {"tweets": each, "deleted": 0}
        texts = [line for _, line in found]
        if seq == batches - 1:
            more = [Deleted(id=ids[at]) for at in gone]
            sent_ms = int(time.time() * 1000)
            texts += [row(*PARTITION, end + n, sent_ms, one) for n, one in enumerate(more)]
            kinds["deleted"], end = len(more), end + len(more)
        data = gzip.compress(b"\n".join(texts) + b"\n", 1)
        file = {"path": "tweets/part-00000-0.json.gz", "bytes": len(data), "records": end - start}
        then = DAY + timedelta(seconds=seq * 86_400 / batches)
        manifest = link(own, seq, then, previous, (start, end), kinds, file)
        previous = manifests.digest(manifest)
        write(local / chain.folder(seq), data, manifest)
        if (seq + 1) % chain.SHARD == 0 or seq == batches - 1:
            written.append(pool.submit(take, files, local, chain.shard(seq)))
            print(f"\r{seq + 1} batches made", end="", file=sys.stderr, flush=True)
    _ = [one.result() for one in written]
    shutil.rmtree(local)
    return ids, hashes


def deleted(tweets: int) -> tuple[list[int], list[int]]:
    """The numbers of the tweets that are deleted by tombstones, and by a list."""
    chosen = Random(2).sample(range(tweets), DELETED)
    return chosen[: DELETED // 2], chosen[DELETED // 2 :]


def link(
    own: Ownership,
    seq: int,
    then: datetime,
    previous: str | None,
    span: tuple[int, int],
    kinds: dict[str, int],
    file: dict[str, Any],
) -> bytes:
    """The manifest of a batch of this time that holds these offsets."""
    return Manifest(
        identity=own.identity,
        seq=seq,
        epoch=own.epoch,
        commit_id=str(seq),
        approach="direct",
        batch_time=then.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        previous=previous,
        topics={"tweets": "id"},
        ranges=[(*PARTITION, *span)],
        covered={PARTITION: [(0, span[1])]},
        counts={**kinds, "rejected": 0},
        files=[file],
        scorer="vader",
    ).to_bytes()


def write(folder: Path, data: bytes, manifest: bytes) -> None:
    """One batch, as its publisher leaves it, on this machine's disk."""
    for kind in ("tweets", "rejected"):
        (folder / kind).mkdir(parents=True)
    (folder / "tweets" / "part-00000-0.json.gz").write_bytes(data)
    (folder / "_manifest.json").write_bytes(manifest)


def take(files: Storage, local: Path, shard: str) -> None:
    """Move a shard to HDFS."""
    source = files._jvm.org.apache.hadoop.fs.Path((local / shard).as_uri())
    files._files.copyFromLocalFile(True, False, source, files._path(shard))


def hashed(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()


def size(files: Storage) -> dict[str, int]:
    """Folders, files and blocks are the NameNode's objects; each file has one block here."""
    found = files._files.getContentSummary(files._path(""))
    folders, count = found.getDirectoryCount(), found.getFileCount()
    return {"objects": folders + 2 * count, "files": count, "bytes": found.getLength()}


def start_ms(files: Storage) -> float:
    """The median of a driver's starts."""
    seconds = []
    for _ in range(STARTS):
        began = time.monotonic()
        own, offsets = Ownership.claim(files, "direct"), {PARTITION: (0, 10**9)}
        Output.take_over(own, "vader", {"tweets": "id"}, offsets)
        seconds.append(time.monotonic() - began)
    return round(1000 * statistics.median(seconds), 1)


def cpu_s() -> float:
    """The CPU that the JVM, this process and Spark's Python workers have used."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        stats[int(path.parent.name)] = (int(words[1]), sum(map(int, words[11:15])))
    family = [os.getppid()]
    for member in family:
        family += [pid for pid, (parent, _) in stats.items() if parent == member]
    return sum(stats[pid][1] for pid in family if pid in stats) / os.sysconf("SC_CLK_TCK")


def scan_s(spark: SparkSession, kind: str, paths: list[str]) -> float:
    """A count by language and label over the day."""
    began = time.monotonic()
    reader = spark.read.schema(SCHEMA.replace("tweet string", "tweet binary"))
    found = reader.parquet(*paths) if kind == "units" else spark.read.schema(SCHEMA).json(paths)
    found.groupBy("lang", "sentiment.label").count().collect()
    return round(time.monotonic() - began, 1)


def timed(compactor: program.Compactor, hours: tuple[float, float, float]) -> dict[str, Any]:
    """A run of the compactor: its report, and its CPU."""
    before = cpu_s()
    compactor.report = Report()
    return {**compactor.run(*hours).as_dict(), "cpu_s": round(cpu_s() - before, 1)}


def check(files: Storage, ids: list[str], hashes: list[bytes], gone: set[str]) -> dict[str, int]:
    """Hold every tweet in the units against what was written."""
    found = dict.fromkeys(("there", "erased", "changed", "undeleted"), 0)
    for unit in units.current(files):
        for file in units.manifest(files, unit)[0].files:
            if not file["path"].startswith("tweets/"):
                continue
            table = rows.read(files.read(f"{unit.folder}/{file['path']}"))
            offsets = [offset for _, _, offset in rows.offsets(table)]
            for offset, tweet in zip(offsets, table["tweet"].to_pylist(), strict=True):
                if offset < len(ids):
                    found["there"] += 1
                    found["changed"] += hashed(tweet) != hashes[offset]
                    found["undeleted"] += ids[offset] in gone
    found["erased"] = len(ids) - found["there"]
    return found


def main() -> None:
    """Build the day, compact it, erase, remove, and write the figures down."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 86_400
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    address = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}")
    spark = SparkSession.builder.getOrCreate()
    files = Storage(f"{address.partition('/tweets/')[0]}/bench/units-{int(time.time())}")
    figures: dict[str, Any] = {"cores": os.cpu_count(), "batches": batches}
    figures["tweets"] = batches * each
    figures["start_ms_empty"] = start_ms(files)
    ids, hashes = fill(files, Ownership.claim(files, "direct"), batches, each)
    figures["raw"] = {**size(files), "start_ms": start_ms(files)}
    if batches <= SCANNED:
        figures["raw"]["scan_s"] = scan_s(spark, "raw", [f"{files.root}/batches/*/*/tweets"])
    program.is_over = lambda _hour: True  # type: ignore[assignment]
    compactor = program.Compactor(files, aside.claim(files))
    figures["compaction"] = timed(compactor, (10**6, 10**6, 0))
    figures["both"] = size(files)
    by_tombstone, by_list = ([ids[at] for at in some] for some in deleted(len(ids)))
    erasures.publish(files, by_list, "a benchmark")
    figures["erasure"] = timed(compactor, (10**6, 0, 0))
    figures["removal"] = timed(compactor, (0, 10**6, 0))
    folders = [f"{files.root}/{unit.folder}/tweets" for unit in units.current(files)]
    figures["units"] = {**size(files), "scan_s": scan_s(spark, "units", folders)}
    figures["units"]["start_ms"] = start_ms(files)  # HDFS has deleted the blocks by then
    figures["check"] = check(files, ids, hashes, {*by_tombstone, *by_list})
    million = figures["tweets"] / 1_000_000
    figures["cpu_s_per_million"] = round(figures["compaction"]["cpu_s"] / million, 1)
    files.delete("")
    print(json.dumps(figures))
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[str(batches)] = figures
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
