"""What the archive of Spark's classes saves when a job starts (`local/class_archive.py`).

    python -m benchmarks.job_start [ROUNDS]

The archive's own training, a stream of one batch in local mode, runs with and without the archive
in turn: seconds until it has ended, and seconds of CPU. Prints medians and their ratio, writes
benchmarks/results/job_start.json.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

from benchmarks import machine
from config.venv import PYTHON, ROOT
from local import class_archive

RESULTS = ROOT / "benchmarks" / "results" / "job_start.json"
COLLECTOR = "-XX:+UseParallelGC"


def run(java: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run with these options of the JVM."""
    line = [str(PYTHON), str(ROOT / "scripts" / "submit"), str(class_archive.TRAINING)]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environ = {**os.environ, "SPARK_SUBMIT_OPTS": java}
    subprocess.run(line, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, cpu


def main(rounds: int) -> None:
    """Measure, print and keep."""
    ways = {"without": COLLECTOR, "with": f"{COLLECTOR} {class_archive.options()}"}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, java in ways.items():
            found[way].append(run(java))
    medians = {
        way: [round(statistics.median(column), 2) for column in zip(*runs, strict=True)]
        for way, runs in found.items()
    }
    ratio = [round(b / a, 2) for a, b in zip(medians["without"], medians["with"], strict=True)]
    for way, (wall, cpu) in medians.items():
        print(f"{way:8} {wall:6.2f} s, {cpu:6.2f} s of CPU")
    print(f"{'ratio':8} {ratio[0]:6.2f}    {ratio[1]:6.2f}")
    kept = {"machine": machine.about(), "rounds": rounds, "seconds": medians, "ratio": ratio}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
