"""Records per second from sources written in Python into a count(): a trivial one, MQTT, RabbitMQ
and Flume, with the write-ahead log and without it; beside each what its library takes in alone.

    python -m benchmarks.sources [--scale X] [--results FILE]

Starts mosquitto, RabbitMQ and Flume by itself, on the tests' ports (TEST_PORTS); all take turns in
one Spark job. Compare ratios of one run only. Writes benchmarks/results/sources.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from config.venv import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "sources.json"
CASES = ROOT / "benchmarks" / "sources_reads.py"


def shares(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each source's rates, and which share of its library's own rate they are."""
    for row in rows.values():
        if alone := row.get("library_alone"):
            row["share"] = round(row["log_off"] / alone, 2)
            row["share_with_log"] = round(row["log_on"] / alone, 2)
    return rows


def table(rows: dict[str, dict[str, Any]]) -> str:
    """The rows in Markdown."""
    names = ("log_off", "log_on", "library_alone", "share", "share_with_log")
    lines = [f"| source | records | {' | '.join(names)} |", "|---|" + "--:|" * (len(names) + 1)]
    for source, row in rows.items():
        cells = [row["records"], *(row.get(name, "–") for name in names)]
        shown = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
        lines.append(f"| {source} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources", description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the numbers of records (default 1)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write the figures")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as folder:
        submit = [str(ROOT / "scripts" / "submit"), "--master", "local[4]", "--driver-memory", "2g"]
        done = subprocess.run(
            [*submit, str(CASES), folder, str(chosen.scale)],
            text=True,
            stdout=subprocess.PIPE,
            check=False,
        )
        if done.returncode:  # spark-submit says on it what Python said on both
            sys.exit(done.stdout[-3000:])
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    rows = shares({row.pop("source"): row for row in found})
    machine = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    chosen.results.parent.mkdir(exist_ok=True)
    chosen.results.write_text(json.dumps({"machine": machine, "sources": rows}, indent=1) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
