"""Records per second out of Kafka into a Python function: ours, Spark 2.4's way, and Structured
Streaming's mapInArrow.

    python -m benchmarks.connector [--rounds N] [--records N] [--results FILE]

Needs the services (scripts/services start). What the peers need is fetched into build/. The ways
take turns in one Spark job; compare ratios of one run only. Writes
benchmarks/results/connector.json.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from config.venv import ROOT
from local import compile as java
from local import jars, jdk

BENCH = ROOT / "build" / "bench"
RESULTS = ROOT / "benchmarks" / "results" / "connector.json"
PARTITIONS = 4
SHARE = {200: 1.0, 1300: 0.3}  # value size in bytes: its share of --records
OURS, PEERS = ("kafka_utils", "modern_records"), ("spark_2_4", "pairs", "map_in_arrow")


def prepared() -> tuple[str, str]:
    """The --jars and the PYTHONPATH of the job: what is missing is fetched, the pairs' class is
    compiled."""
    if not jars.installed(jars.NOTEBOOK):
        jars.install(jars.NOTEBOOK)
    packages, wanted = BENCH / "packages", ROOT / "benchmarks" / "requirements.txt"
    stamp = packages / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(packages),
            "-r",
            str(wanted),
        ]
        subprocess.run(pip, check=True)
        stamp.write_text(wanted.read_text())
    ours = sorted((jars.TARGET / "connector").glob("*.jar"))
    bin_, classes, jar = jdk.home() / "bin", BENCH / "classes", BENCH / "pairs.jar"
    path = ":".join([f"{java.pyspark_jars()}/*", *map(str, ours)])
    source = ROOT / "benchmarks" / "java" / "kafkadstreams" / "PairsRDD.java"
    subprocess.run(
        [bin_ / "javac", "--release", "17", "-nowarn", "-d", classes, "-cp", path, source],
        check=True,
    )
    subprocess.run([bin_ / "jar", "cf", jar, "-C", classes, "."], check=True)
    return ",".join(map(str, [*ours, *jars.files(jars.NOTEBOOK), jar])), str(packages)


def fill(bootstrap: str, topic: str, count: int, size: int) -> None:
    """A topic of `count` records with values of `size` random bytes and keys of eight."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics(
        {topic: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, batch_size=1 << 18, linger_ms=50)
    noise = random.Random(1).randbytes(1 << 20)
    for number in range(count):
        start = number * 37 % (len(noise) - size)
        producer.send(
            topic, noise[start : start + size], key=b"%08d" % number, partition=number % PARTITIONS
        )
    producer.close()


def shown(result: dict, own: Sequence[str], peers: Sequence[str]) -> dict:
    """The result with its ratios, ours over each peer, printed as a table."""
    ways = result["ways"]
    print(
        f"\n{result['records']:,} values of {result['value_bytes']} bytes, medians of "
        f"{result['rounds']} rounds"
    )
    for name, row in ways.items():
        print(
            f"  {name:<16}{row['records_per_s']:>12,} records/s{row['records_per_cpu_s']:>12,} "
            "records a cpu second"
        )
    result["ratios"] = {}
    for ours in own:
        for peer in peers:
            ratios = [
                round(ways[ours][unit] / ways[peer][unit], 2)
                for unit in ("records_per_s", "records_per_cpu_s")
            ]
            result["ratios"][f"{ours}/{peer}"] = dict(zip(("wall", "cpu"), ratios, strict=True))
            print(f"  {ours} / {peer}: {ratios[0]} wall, {ratios[1]} cpu")
    return result


def arguments(module: str, text: str | None, results: Path) -> argparse.Namespace:
    """The command line: records, rounds, bootstrap, results."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=text)
    parser.add_argument(
        "--records",
        type=int,
        default=1_000_000,
        help="how many of the small ones (default 1000000)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each way is measured (default 5)"
    )
    parser.add_argument(
        "--bootstrap", default="127.0.0.1:9092", help="the broker (default 127.0.0.1:9092)"
    )
    parser.add_argument("--results", type=Path, default=results, help="where to write the figures")
    return parser.parse_args()


def topics(chosen: argparse.Namespace) -> list[str]:
    """A new topic for each size of value, filled."""
    names = []
    for size, share in SHARE.items():
        names.append(f"bench-{size}-{int(time.time())}")
        fill(chosen.bootstrap, names[-1], int(chosen.records * share), size)
    return names


def keep(file: Path, said: str, own: Sequence[str], peers: Sequence[str], **machine: Any) -> None:
    """Print what the job said, and write it into the file."""
    results = [
        shown(json.loads(line), own, peers) for line in said.splitlines() if line.startswith("{")
    ]
    machine |= {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")


def main() -> None:
    chosen = arguments("connector", __doc__, RESULTS)
    job_jars, packages = prepared()
    script = str(ROOT / "benchmarks" / "connector_reads.py")
    options = ["--jars", job_jars, "--master", "local[2]", "--driver-memory", "2g"]
    command = [
        str(ROOT / "scripts" / "submit"),
        *options,
        script,
        chosen.bootstrap,
        str(chosen.rounds),
        *topics(chosen),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": packages},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    keep(chosen.results, done.stdout, OURS, PEERS)


if __name__ == "__main__":
    main()
