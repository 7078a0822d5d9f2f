"""From a record's timestamp to its batch on HDFS, for each job in turn, under an even stream of
tweets.

    python -m benchmarks.latency [--rate N] [--seconds N] [--batch-interval-s N]
        [--warm-up-s N] [--report FILE]

Kafka's timestamp of a record is the moment the producer handed it over. A batch is visible when its
folder stands below `batches/`: asked every 10 ms, so that a figure may be too high by that and an
answer's way, never too low. What the first seconds bring is not counted: a driver's first batches
compile. Needs the services (scripts/services start) on their usual ports, or the TWEETS_ variables.
"""

import argparse
import getpass
import gzip
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

ROOT = Path(__file__).resolve().parent.parent
PYTHON, SUBMIT = str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "scripts" / "submit")
BASE = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").partition(
    "/tweets/"
)[0]
FILES = InsecureClient(
    os.environ.get("TWEETS_WEBHDFS", "http://127.0.0.1:9870"), user=getpass.getuser()
)
ASK_EVERY_S, PATIENCE_S = 0.01, 300
TIMESTAMP = re.compile(rb'"timestamp":(\d+)')


def producer(topic: str, *options: str) -> "subprocess.Popen[bytes]":
    """A producer of invented tweets under way."""
    command = [
        PYTHON,
        "-m",
        "producer",
        "--source",
        "sample",
        "--topic",
        topic,
        "--report",
        os.devnull,
        *options,
    ]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def watch(
    folder: str, tweets: int, job: "subprocess.Popen[bytes]"
) -> list[tuple[float, dict[str, Any]]]:
    """When each batch became visible (s since 1970) and its manifest, until they hold this
    number of tweets."""
    seen: list[tuple[float, dict[str, Any]]] = []
    end = time.monotonic() + PATIENCE_S
    while sum(manifest["counts"].get("tweets", 0) for _, manifest in seen) < tweets:
        if job.poll() is not None or time.monotonic() > end:
            sys.exit(
                f"{folder}: {len(seen)} batches, then nothing more; the job's exit code is "
                f"{job.poll()}"
            )
        name = f"{folder}/batches/{len(seen) // 1000:07d}/{len(seen):010d}"
        if FILES.status(name, strict=False) is None:
            time.sleep(ASK_EVERY_S)
            continue
        at = time.time()
        with FILES.read(f"{name}/_manifest.json") as file:
            seen.append((at, json.loads(file.read())))
        end = time.monotonic() + PATIENCE_S
    return seen


def timestamps(folder: str, number: int, manifest: dict[str, Any]) -> list[int]:
    """Kafka's timestamps (ms) of a batch's tweets."""
    found = []
    for part in manifest["files"]:
        with FILES.read(
            f"{folder}/batches/{number // 1000:07d}/{number:010d}/{part['path']}"
        ) as file:
            lines = gzip.decompress(file.read()).splitlines()
        found += [int(known[1]) for line in lines if (known := TIMESTAMP.search(line))]
    return found


def measure(approach: str, chosen: argparse.Namespace) -> dict[str, float]:
    """Run one job under the stream; seconds from timestamp to visible."""
    topic = f"latency-{approach.replace('_', '-')}-{int(time.time())}"
    folder = f"/bench/{topic}"
    first, count = 100, chosen.rate * (chosen.warm_up_s + chosen.seconds)
    producer(topic, "--max-posts", str(first)).wait()
    options = (
        "--topic",
        topic,
        "--output",
        BASE + folder,
        "--batch-interval-s",
        str(chosen.batch_interval_s),
    )
    job = subprocess.Popen(
        [SUBMIT, approach, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        watch(folder, first, job)
        stream = producer(topic, "--rate", str(chosen.rate), "--max-posts", str(count))
        batches = watch(folder, first + count, job)
        stream.wait()
    finally:
        job.send_signal(signal.SIGTERM)
        job.wait()
    pairs = [
        (ms / 1000, at)
        for k, (at, manifest) in enumerate(batches)
        for ms in timestamps(folder, k, manifest)
    ]
    FILES.delete(folder, recursive=True)
    begun = sorted(sent for sent, _ in pairs)[first] + chosen.warm_up_s
    delays = [at - sent for sent, at in pairs if sent >= begun]
    at = statistics.quantiles(delays, n=100)
    kept = {"p50_s": at[49], "p95_s": at[94], "p99_s": at[98], "max_s": max(delays)}
    return {"tweets": len(delays), **{name: round(seconds, 3) for name, seconds in kept.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=1000, help="tweets per second (default 1000)")
    parser.add_argument(
        "--seconds",
        type=int,
        default=60,
        help="how long they are counted, behind the warm-up (default 60)",
    )
    parser.add_argument("--batch-interval-s", type=float, default=1.0, help="default 1")
    parser.add_argument(
        "--warm-up-s",
        type=int,
        default=15,
        help="how long they are not counted before that (default 15)",
    )
    parser.add_argument(
        "--jobs",
        nargs="+",
        default=["direct", "receiver_based"],
        help="which, in turn (default both)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        help="write the figures there too, such as benchmarks/results/latency.json",
    )
    chosen = parser.parse_args()
    about = {
        "rate": chosen.rate,
        "seconds": chosen.seconds,
        "batch_interval_s": chosen.batch_interval_s,
        "cores": os.cpu_count(),
    }
    result = {**about, "jobs": {approach: measure(approach, chosen) for approach in chosen.jobs}}
    text = json.dumps(result, indent=1)
    print(text)
    if chosen.report:
        chosen.report.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
