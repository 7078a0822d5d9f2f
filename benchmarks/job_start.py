"""What makes the direct job start faster: seconds and CPU seconds from its start to its first
published batch, with and without the archive of Spark's classes (`local/class_archive.py`) and the
Python workers that are forked loaded (`consumers/driver/worker_daemon.py`), by turns in one run.

    scripts/services start
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.job_start [ROUNDS]

Prints medians and their ratios to a start with neither, writes benchmarks/results/job_start.json.
"""

import json
import os
import statistics
import sys
from pathlib import Path

from benchmarks.machine import about
from benchmarks.price import run, topic_of
from local import class_archive

FILE = Path(__file__).with_name("results") / "job_start.json"
TWEETS = 1000
SPARKS_OWN = ["--conf", "spark.python.daemon.module=pyspark.daemon"]
PLAIN = "-XX:+UseParallelGC"
ARCHIVE = f"{PLAIN} {class_archive.options()}"
WAYS: dict[str, tuple[str, list[str]]] = {
    "neither": (PLAIN, SPARKS_OWN),
    "archive": (ARCHIVE, SPARKS_OWN),
    "loaded workers": (PLAIN, []),
    "both": (ARCHIVE, []),
}


def first_batch(way: str, topic: str) -> tuple[float, float]:
    """Wall and CPU seconds until all of a small topic is published. Raises SystemExit when it is
    not."""
    java, options = WAYS[way]
    done = run(options, topic, TWEETS, {**os.environ, "SPARK_SUBMIT_OPTS": java})
    return done.seconds, done.cpu_s


def main(rounds: int) -> None:
    """Measure, print and keep."""
    topic = topic_of(TWEETS, os.environ)
    first_batch("both", topic)  # compiles what is not compiled yet
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            found[way].append(first_batch(way, topic))
    medians = {
        way: [statistics.median(column) for column in zip(*runs, strict=True)]
        for way, runs in found.items()
    }
    ratios = {
        way: [round(b / a, 2) for a, b in zip(medians["neither"], column, strict=True)]
        for way, column in medians.items()
    }
    for way, (wall, cpu) in medians.items():
        of_wall, of_cpu = ratios[way]
        print(f"{way:14} {wall:6.2f} s {of_wall:5.2f}  {cpu:6.2f} s of CPU {of_cpu:5.2f}")
    kept = {
        "machine": about(),
        "rounds": rounds,
        "seconds": {way: [round(value, 2) for value in column] for way, column in medians.items()},
        "ratios": ratios,
    }
    FILE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
