"""What the audit takes: records per second of CPU, and peak memory, over outputs of different
lengths, and their ratios.

    python -m benchmarks.audit [--records N [N …]] [--batch N] [--results FILE]

Needs the services (scripts/services start). Records and their honest output are written here, small
ones (some 300 bytes a row): the audit keeps digests, so their size costs time and no memory. Writes
benchmarks/results/audit.json.
"""

import argparse
import getpass
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from hdfs import InsecureClient
from kafka.admin import KafkaAdminClient

from config.shared import WEBHDFS_PORT
from config.venv import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "audit.json"
PARTITIONS = 3
SCORES = b'{"compound":0.5,"neg":0.0,"neu":0.5,"pos":0.5,"label":"positive"}'


def value(partition: int, offset: int) -> bytes:
    return b'{"id":"%d-%d","text":"a lovely cup of tea"}' % (partition, offset)


def row(topic: str, partition: int, offset: int, time_ms: int) -> bytes:
    """The line of this record, as short as the audit takes it."""
    at = b'{"topic":"%s","partition":%d,"offset":%d,"timestamp":%d}' % (
        topic.encode(),
        partition,
        offset,
        time_ms,
    )
    return b'{"kafka":%s,"id":"%d","sentiment":%s,"tweet":%s}\n' % (
        at,
        offset,
        SCORES,
        value(partition, offset),
    )


def fill(bootstrap: str, topic: str, each: int, time_ms: int) -> None:
    """Publish this number of records onto each partition of a new topic."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics(
        {topic: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 50,
            "queue.buffering.max.messages": 10_000_000,
        }
    )
    for offset in range(each):
        for partition in range(PARTITIONS):
            producer.produce(
                topic, value(partition, offset), b"%d" % offset, partition, timestamp=time_ms
            )
    if producer.flush(600):
        raise RuntimeError(f"not all records of {topic} were acknowledged")


def publish(
    files: InsecureClient, folder: str, topic: str, each: int, batch: int, time_ms: int
) -> int:
    """Write an honest output of these records, with a fixed number per batch; gives the number of
    batches."""
    previous, step = None, max(1, batch // PARTITIONS)
    starts = range(0, each, step)
    for seq, start in enumerate(starts):
        end = min(start + step, each)
        packed = {
            f"tweets/part-{p}.json.gz": gzip.compress(
                b"".join(row(topic, p, offset, time_ms) for offset in range(start, end)), 1
            )
            for p in range(PARTITIONS)
        }
        manifest = {
            "version": 2,
            "identity": topic,
            "seq": seq,
            "previous": previous,
            "ranges": [[topic, p, start, end] for p in range(PARTITIONS)],
            "covered": {topic: {str(p): [[0, end]] for p in range(PARTITIONS)}},
            "counts": {"tweets": (end - start) * PARTITIONS, "deleted": 0, "rejected": 0},
            "files": [
                {"path": path, "bytes": len(data), "records": end - start}
                for path, data in packed.items()
            ],
        }
        encoded = json.dumps(manifest).encode()
        previous = hashlib.sha256(encoded).hexdigest()
        for path, data in {**packed, "_manifest.json": encoded}.items():
            files.write(f"{folder}/batches/{seq // 1000:07d}/{seq:010d}/{path}", data=data)
    return len(starts)


def audited(bootstrap: str, webhdfs: str, topic: str, folder: str) -> dict[str, Any]:
    """One run of the audit: what its process took. Raises RuntimeError if it is not clean."""
    where = [
        "--bootstrap",
        bootstrap,
        "--webhdfs",
        webhdfs,
        "--topic",
        topic,
        "--output",
        f"hdfs://there{folder}",
        "--json",
    ]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "audit.py", *where], stdout=subprocess.PIPE
    )
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(
            f"the audit of {topic} ended with {os.waitstatus_to_exitcode(status)}: {said.decode()}"
        )
    records, cpu_s = json.loads(said)["published"], used.ru_utime + used.ru_stime
    taken = {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_s": round(cpu_s, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
    }
    return {"records": records, **taken, "records_per_cpu_s": round(records / cpu_s)}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--records",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000],
        help="lengths (default 100000 1000000)",
    )
    parser.add_argument(
        "--batch", type=int, default=20_000, help="records of a batch (default 20000)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write the figures")
    chosen = parser.parse_args()
    bootstrap = os.environ.get("TWEETS_BOOTSTRAP", "127.0.0.1:9092")
    webhdfs = os.environ.get("TWEETS_WEBHDFS", f"http://127.0.0.1:{WEBHDFS_PORT}")
    files, found = InsecureClient(webhdfs, user=getpass.getuser()), []
    for number, records in enumerate(chosen.records):
        topic, time_ms = f"bench-audit-{number}-{int(time.time())}", int(time.time() * 1000)
        each = records // PARTITIONS
        fill(bootstrap, topic, each, time_ms)
        batches = publish(files, f"/bench/{topic}", topic, each, chosen.batch, time_ms)
        found.append({"batches": batches, **audited(bootstrap, webhdfs, topic, f"/bench/{topic}")})
        files.delete(f"/bench/{topic}", recursive=True)
        print(json.dumps(found[-1]), flush=True)
    ratios = {
        name: round(found[-1][name] / found[0][name], 2)
        for name in ("records", "peak_mib", "records_per_cpu_s")
    }
    print(f"the last over the first: {ratios}")
    result = {"cores": os.cpu_count(), "audits": found, "last_over_first": ratios}
    chosen.results.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
