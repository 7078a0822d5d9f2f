"""What a tweet costs in the direct job, beside what only the unavoidable parts would cost.

    python -m benchmarks.floor [--tweets N] [--rounds N] [--results FILE]

Starts the services and publishes invented tweets. Each part is measured alone, in CPU time, and
with the step of the job that does it: the step's cost is what it adds to the steps before it. The
last step is the whole job, less its start. The parts' sum is the floor; those of a step count at
most as the step. The topic is not compressed, so nothing is unpacked. Compare figures of one run
only. Writes benchmarks/results/floor.json.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import batch_path
from benchmarks.connector import prepared
from benchmarks.contenders import ALL
from benchmarks.machine import about
from benchmarks.stage import START_TWEETS, Stage, Topic, values
from config.errors import exit_with
from config.venv import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "floor.json"
JOB = ROOT / "benchmarks" / "floor_reads.py"
PARTITIONS, ALONE_TWEETS = 6, 20_000
# the job's steps, the parts that cannot be spared in each, and what the rest of the step does
STEPS = {
    "frames": (("poll",), "a Spark task; records packed into frames"),
    "in_python": (("copy",), "the worker's loop, its waits"),
    "lines": (("find", "score", "write", "gzip"), "rows apart from the common way, joins, counts"),
    "written": (("hdfs",), "lines back to the JVM; files opened and closed"),
    "job": ((), "batches planned, staged and published; services asked; waits; the console"),
}


def in_python(given: list[bytes]) -> dict[str, float]:
    """Seconds of CPU of the parts that belong to Python: one copy of the frames out of a socket,
    both ends counted, and the compiled calls."""
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=lambda: [theirs.sendall(data) for data in given])
    buffer = memoryview(bytearray(batch_path.FRAME_BYTES * 2))
    before = time.process_time()
    sender.start()
    for data in given:
        left = buffer[: len(data)]
        while left:
            left = left[ours.recv_into(left) :]
    sender.join()
    copied = time.process_time() - before
    clock = batch_path.Clock()
    for data in given:
        batch_path.fused(data, clock)
    spent = {"find" if step == "parse" else step: s for step, s in clock.spent.items()}
    return {"copy": copied, **spent}


def parts_alone(rounds: int) -> dict[str, float]:
    """Microseconds of CPU per tweet, by part: medians over the rounds, after one that warms up."""
    some = islice(values(0), ALONE_TWEETS)
    tweets = [(json.loads(value)["data"]["id"].encode(), value) for value in some]
    given = batch_path.frames(tweets)
    found = [in_python(given) for _ in range(rounds + 1)][1:]
    return {
        part: statistics.median(one[part] for one in found) / len(tweets) * 1e6 for part in found[0]
    }


def steps(stage: Stage, topic: Topic, rounds: int) -> dict[str, Any]:
    """What benchmarks/floor_reads.py measures."""
    command = [str(ROOT / "scripts" / "submit"), str(JOB), stage.bootstrap, topic.name]
    done = subprocess.run(
        [*command, str(rounds), f"{stage.hdfs}/bench/{topic.name}-floor"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def whole_job(stage: Stage, few: Topic, many: Topic, rounds: int) -> float:
    """Seconds of CPU of the direct job for the tweets beyond those of its start."""
    runs = [[stage.run(ALL[0], topic) for topic in (few, many)] for _ in range(rounds)]
    for run in (one for pair in runs for one in pair):
        if run.failure:
            raise RuntimeError(run.failure)
    return statistics.median(long.cpu_s - short.cpu_s for short, long in runs)


def table(result: dict[str, Any]) -> str:
    """The steps in Markdown, in microseconds of CPU per tweet."""
    parts, costs = result["parts_us"], result["steps_us"]
    before = floor = 0.0
    lines = [
        "| step of the job | parts that cannot be spared, µs | floor | step | what the rest does |",
        "|---|---|--:|--:|---|",
    ]
    for step, (names, rest) in STEPS.items():
        # alone, a part may cost more than in its step (Kafka's consumer is asked through py4j)
        least = min(sum(parts[name] for name in names), costs[step] - before)
        said = ", ".join(f"{name} {parts[name]:.2f}" for name in names) or "–"
        lines.append(f"| {step} | {said} | {least:.2f} | {costs[step] - before:.2f} | {rest} |")
        before, floor = costs[step], floor + least
    lines.append(f"| together | | {floor:.2f} | {before:.2f} | floor / job: {floor / before:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.floor", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--tweets", type=int, default=1_000_000, help="how many invented tweets (default 1000000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each has its turn (default 3)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write the figures")
    chosen = parser.parse_args()
    stage = Stage(*prepared())
    try:
        few, many = (stage.topic(count, PARTITIONS) for count in (START_TWEETS, chosen.tweets))
        parts = parts_alone(chosen.rounds)
        found = steps(stage, many, chosen.rounds)
        each = {name: cpu_s / many.tweets * 1e6 for name, cpu_s in found["cpu_s"].items()}
        parts |= {name: each.pop(name) for name in ("poll", "hdfs")}
        job = whole_job(stage, few, many, chosen.rounds) / (many.tweets - few.tweets) * 1e6
    finally:
        stage.clear()
    result: dict[str, Any] = {
        "machine": about(),
        "tweets": many.tweets,
        "value_bytes": stage.value_bytes,
        "gzipped_bytes": found["gzipped_bytes"],
        "rounds": chosen.rounds,
        "parts_us": {name: round(us, 3) for name, us in parts.items()},
        "steps_us": {name: round(us, 3) for name, us in {**each, "job": job}.items()},
    }
    print(table(result))
    ns = 1000 / stage.value_bytes
    print(f"1 µs per tweet is {ns:.2f} ns per byte of its value", file=sys.stderr)
    chosen.results.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_with(main)
