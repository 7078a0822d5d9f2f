"""The jobs against their peers, on one machine, with the same tweets and the same rows: `make
bench`.

    python -m benchmarks [--tweets N] [--slow-tweets N] [--rounds N] [--only NAME] [--results FILE]

Starts the services, installs the peers below build/, publishes invented tweets, and lets all
contenders take turns; each must have written the very rows that are expected. A contender with
vaderSentiment reads a shorter topic. Writes benchmarks/results/jobs.json and from it the tables and
the plot in docs/benchmarks.md and README.md (with --results that file alone). Compare ratios of one
run only.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import connector, report, rows
from benchmarks.contenders import ALL, VENV, Contender
from benchmarks.figures import medians
from benchmarks.machine import about, peers
from benchmarks.measure import Run
from benchmarks.stage import START_TWEETS, Stage
from config.errors import exit_with
from config.venv import ROOT

SLOW = "vaderSentiment"


def install_peers() -> None:
    """The peers' venv, unless it has what the list says."""
    wanted, stamp = ROOT / "benchmarks" / "requirements-peers.txt", VENV / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    print("installing the peers (a few minutes the first time)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "-r", str(wanted)], check=True)
    stamp.write_text(wanted.read_text())


def compare(
    stage: Stage, contenders: list[Contender], chosen: argparse.Namespace
) -> list[dict[str, Any]]:
    """All contenders in turn, `rounds` times."""
    few, slow, fast = (
        stage.topic(count, chosen.partitions)
        for count in (START_TWEETS, chosen.slow_tweets, chosen.tweets)
    )
    for topic, scorer in ((few, SLOW), (slow, SLOW), (fast, "ours")):
        topic.expected = rows.digest(rows.expected(stage.bootstrap, topic.name, scorer))
    starts: dict[str, list[Run]] = {contender.key: [] for contender in contenders}
    runs: dict[str, list[Run]] = {contender.key: [] for contender in contenders}
    many = {contender.key: slow if contender.scorer == SLOW else fast for contender in contenders}
    for number in range(chosen.rounds):
        for contender in contenders:
            for found, topic in ((starts, few), (runs, many[contender.key])):
                run = stage.run(contender, topic)
                found[contender.key].append(run)
                said = (
                    run.failure
                    or f"{run.rows:,} tweets in {run.seconds:.1f} s, {run.cpu_s:.1f} s of CPU"
                )
                print(f"round {number + 1}  {contender.key:<50}{said}", file=sys.stderr, flush=True)
    return [
        {
            "name": one.name,
            "scorer": one.scorer,
            "tweets": many[one.key].tweets,
            **medians(starts[one.key], runs[one.key]),
        }
        for one in contenders
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--tweets", type=int, default=500_000, help="how many invented tweets (default 500000)"
    )
    parser.add_argument(
        "--slow-tweets",
        type=int,
        default=40_000,
        help="how many where vaderSentiment scores (default 40000)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each contender has its turn (default 5)"
    )
    parser.add_argument("--partitions", type=int, default=6, help="of each topic (default 6)")
    parser.add_argument(
        "--only",
        action="append",
        help="contenders whose name and scorer hold this; may be given again",
    )
    parser.add_argument(
        "--results", type=Path, default=report.RESULTS, help="where to write the figures"
    )
    chosen = parser.parse_args()
    wanted = [one for one in ALL if not chosen.only or any(part in one.key for part in chosen.only)]
    begun = time.time()
    abroad = any(one.name not in report.OURS for one in wanted)
    if abroad:
        install_peers()
    jars, packages = connector.prepared()
    stage = Stage(jars, packages)
    result: dict[str, Any] = {
        "machine": {**about(), "peers": peers() if abroad else {}},
        "partitions": chosen.partitions,
        "rounds": chosen.rounds,
        "start_tweets": START_TWEETS,
    }
    try:
        result["contenders"] = compare(stage, wanted, chosen)
        result["value_bytes"] = stage.value_bytes
    finally:
        stage.clear()
    result["load"] = {
        "end": round(os.getloadavg()[0], 1),
        "minutes": round((time.time() - begun) / 60, 1),
    }
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    chosen.results.write_text(json.dumps(result, indent=1) + "\n")
    print(report.table(result))
    if chosen.results == report.RESULTS:
        report.write(result)


if __name__ == "__main__":
    exit_with(main)
