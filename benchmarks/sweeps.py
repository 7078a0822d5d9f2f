"""How the direct job's figures change with the backlog, the size of a message, the partitions and
the batch interval.

    python -m benchmarks.sweeps [--rounds N] [--only SWEEP]

Starts the services, publishes invented tweets; the cases of a sweep take turns. Rows are counted,
not compared: `make bench` does that. About a quarter of an hour. Writes
benchmarks/results/sweeps.json and from it docs/sweeps.md (with all sweeps alone).
"""

import argparse
import json
from typing import Any

from benchmarks import report
from benchmarks.connector import prepared
from benchmarks.contenders import ALL
from benchmarks.figures import medians
from benchmarks.machine import about
from benchmarks.measure import Run
from benchmarks.stage import START_TWEETS, Stage, Topic
from config.errors import exit_with

PARTITIONS = 6
# sweep: tweets, partitions, bytes of padding, and the job's flags of each of its cases
Case = tuple[int, int, int, tuple[str, ...]]
SWEEPS: dict[str, dict[str, Case]] = {
    "backlog, tweets": {
        f"{count:,}": (count, PARTITIONS, 0, ()) for count in (10_000, 100_000, 1_000_000)
    },
    "padding, bytes": {
        f"{size:,}": (count, PARTITIONS, size, ())
        for size, count in {0: 400_000, 1_000: 400_000, 4_000: 200_000, 16_000: 100_000}.items()
    },
    "partitions": {f"{partitions}": (400_000, partitions, 0, ()) for partitions in (1, 3, 6, 24)},
    "batch interval, s": {
        f"{seconds}": (400_000, PARTITIONS, 0, ("--batch-interval-s", f"{seconds}"))
        for seconds in (0.5, 1, 2, 5)
    },
}


def sweep(
    stage: Stage, cases: dict[str, Case], rounds: int, topics: dict[tuple[int, int, int], Topic]
) -> dict[str, Any]:
    """Medians of each case; topics of the same kind are made once."""
    few = {name: (START_TWEETS, *case[1:3]) for name, case in cases.items()}
    for kind in (*few.values(), *(case[:3] for case in cases.values())):
        if kind not in topics:
            topics[kind] = stage.topic(*kind)
    starts: dict[str, list[Run]] = {name: [] for name in cases}
    runs: dict[str, list[Run]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            starts[name].append(stage.run(ALL[0], topics[few[name]], case[3]))
            runs[name].append(stage.run(ALL[0], topics[case[:3]], case[3]))
    return {
        name: {"tweets": case[0], **medians(starts[name], runs[name])}
        for name, case in cases.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweeps", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--rounds", type=int, default=2, help="how often each case has its turn (default 2)"
    )
    parser.add_argument(
        "--only", action="append", choices=SWEEPS, help="this sweep; may be given again"
    )
    chosen = parser.parse_args()
    stage = Stage(*prepared())
    result: dict[str, Any] = {
        "machine": about(),
        "partitions": PARTITIONS,
        "rounds": chosen.rounds,
        "start_tweets": START_TWEETS,
    }
    topics: dict[tuple[int, int, int], Topic] = {}
    try:
        result["sweeps"] = {
            name: sweep(stage, cases, chosen.rounds, topics)
            for name, cases in SWEEPS.items()
            if not chosen.only or name in chosen.only
        }
        result["value_bytes"] = stage.value_bytes
    finally:
        stage.clear()
    print(report.sweeps(result))
    if not chosen.only:
        report.SWEEPS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        report.SWEEPS_PAGE.write_text(report.sweeps(result), encoding="utf-8")


if __name__ == "__main__":
    exit_with(main)
