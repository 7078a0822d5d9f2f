"""Both jobs on one topic, in turn: `make bench`, or `python -m benchmarks --tweets N`. Compare ratios of one run only.

Needs the services (scripts/services start). Prints a line a job and writes build/bench/jobs.json.
"""

import argparse
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BATCH = re.compile(r"batch \d+: .* (\d+) tweets, \d+ deleted, \d+ rejected, ([\d.]+) s$", re.MULTILINE)


def run(*command: str) -> str:
    """Standard output and error of a command that must succeed."""
    return subprocess.run(
        command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ).stdout  # fmt: skip


def job(approach: str, topic: str, output: str) -> dict[str, Any]:
    """Publish the whole topic with one job; tweets a second over its batches, and over the whole command."""
    begun = time.monotonic()
    said = run("scripts/submit", approach, "--topic", topic, "--output", output, "--available-now")
    seconds = time.monotonic() - begun
    batches = [(int(tweets), float(took)) for tweets, took in BATCH.findall(said)]
    tweets, busy = sum(count for count, _ in batches), sum(took for _, took in batches)
    return {
        "job": approach,
        "tweets": tweets,
        "batches": len(batches),
        "tweets_per_second": round(tweets / busy),
        "tweets_per_second_with_start_and_stop": round(tweets / seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tweets", type=int, default=200_000, help="how many invented tweets (default 200000)")
    parser.add_argument("--hdfs", default="hdfs://127.0.0.1:8020", help="where to publish (default hdfs://127.0.0.1:8020)")
    chosen = parser.parse_args()
    topic = f"bench-{int(time.time())}"
    run("scripts/services", "start")
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "producer.json"
    run(".venv/bin/python", "-m", "producer", "--topic", topic, "--max-posts", str(chosen.tweets), "--report", str(written))
    report = json.loads(written.read_text())
    print(f"producer        {report['records_per_second']:>10,.0f} records/s")
    results = []
    for approach in ("direct", "receiver_based"):
        results.append(job(approach, topic, f"{chosen.hdfs}/bench/{topic}/{approach}"))
        print(f"{approach:<15} {results[-1]['tweets_per_second']:>10,} tweets/s in its batches")
    print(f"receiver_based / direct = {results[1]['tweets_per_second'] / results[0]['tweets_per_second']:.2f}")
    (folder / "jobs.json").write_text(json.dumps({"producer": report, "jobs": results}, indent=1))


if __name__ == "__main__":
    main()
