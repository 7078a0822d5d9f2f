"""What a start costs an output, against the number of its batches and of the starts before.

    scripts/submit benchmarks/starts.py [BATCHES …]

A driver claims the output, fences the older ones off and reads the last manifest
(`Ownership.claim`, `Output.take_over`): nine times for each number, the median counts. The batches
between the first and the last are empty folders, for no start looks into them; the starts before
are real ones. Prints the table, writes benchmarks/results/starts.json. Needs the services
(scripts/services start) on their usual ports, or TWEETS_OUTPUT.
"""

import json
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from consumers.output import chain
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage

ROOT = Path(__file__).resolve().parent.parent
BATCHES, ROUNDS, IDLE = (100, 1_000, 10_000, 100_000), 9, 50
RESULTS = ROOT / "benchmarks" / "results" / "starts.json"


class Counted(Storage):
    """Counts the verbs that are asked for."""

    calls = 0

    def _ask(self, *arguments: Any) -> Any:
        self.calls += 1
        return super()._ask(*arguments)


def started(files: Storage) -> Output:
    """The output of a driver that starts."""
    own, offsets = Ownership.claim(files, "direct"), {("tweets", 0): (0, 10**6)}
    return Output.take_over(own, "none", {"tweets": "id"}, offsets)


def fill(files: Storage, first: int, batches: int) -> None:
    """An output that holds batches up to this number; those up to `first` are there."""
    for seq in range(first, batches - 1):
        files.mkdirs(chain.folder(seq))
    manifest, _ = chain.manifest(files, 0)
    covered = {("tweets", 0): [(0, batches)]}
    files.mkdirs(chain.folder(batches - 1))
    last = replace(manifest, seq=batches - 1, covered=covered)
    files.create(f"{chain.folder(batches - 1)}/_manifest.json", last.to_bytes(), overwrite=True)


def measure(files: Counted, batches: int) -> dict[str, Any]:
    """Medians of a start and of the question that an idle batch asks."""
    seconds, calls, idle = [], set(), []
    for _ in range(ROUNDS):
        files.calls, began = 0, time.monotonic()
        output = started(files)
        seconds.append(time.monotonic() - began)
        calls.add(files.calls)
        assert output.seq == batches
    for _ in range(IDLE):
        began = time.monotonic()
        assert output.own.holds()
        idle.append(time.monotonic() - began)
    return {
        "batches": batches,
        "epoch": output.own.epoch,
        "calls": max(calls),
        "start_ms": round(1000 * statistics.median(seconds), 1),
        "idle_ms": round(1000 * statistics.median(idle), 2),
    }


def main() -> None:
    base = os.environ.get("TWEETS_OUTPUT", "hdfs://127.0.0.1:8020/tweets/{program}").partition(
        "/tweets/"
    )[0]
    files = Counted(f"{base}/bench/starts-{int(time.time())}")
    output = started(files)
    output.publish(output.stage(), Batch([("tweets", 0, 0, 1)], {"tweets": 1}))
    rows, there = [], 1
    for batches in [int(word) for word in sys.argv[1:]] or BATCHES:
        fill(files, there, batches)
        there = batches
        rows.append(measure(files, batches))
        print(
            (
                "{batches:>9,} batches, epoch {epoch:>3}: {calls} calls, {start_ms} ms; an idle "
                "batch {idle_ms} ms"
            ).format(**rows[-1])
        )
    files.delete("")
    RESULTS.write_text(
        json.dumps({"cores": os.cpu_count(), "rounds": ROUNDS, "starts": rows}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
