"""What more executors bring when each is held to a quarter of a core: tweets per second of the
direct job on one of them and on four, by turns in one run.

    scripts/services start --spark-workers 4
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.quarter_cores [TWEETS] [ROUNDS]

Linux's control groups hold each Spark worker with all that it starts (cgroup v1's `cpu`, as root).
The driver and the services have the rest. The clock runs over the backlog's second half, when the
executors have compiled what they need.
"""

import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.distribution import place
from benchmarks.machine import about
from benchmarks.partitions import PUBLISHED
from benchmarks.price import numbers
from benchmarks.stage import Stage, Topic
from config import settings
from config.errors import exit_with
from config.venv import ROOT
from local.processes import Home

FILE = Path(__file__).with_name("results") / "quarter_cores.json"
CPU = Path("/sys/fs/cgroup/cpu")
PERIOD_US, QUOTA_US = 20_000, 5_000
EXECUTORS = (1, 4)
LIMIT_S = 900


@contextmanager
def quarters(pids: list[int]) -> Iterator[None]:
    """Each of these processes, and what it starts meanwhile, gets a quarter of a core."""
    groups: list[Path] = []
    try:
        for pid in pids:
            group = CPU / f"quarter-{pid}"
            group.mkdir()
            groups.append(group)
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for group in groups:
            for process in (group / "cgroup.procs").read_text().split():
                (CPU / "cgroup.procs").write_text(process)
            group.rmdir()


def rate(executors: int, topic: Topic, root: str) -> float:
    """Tweets per second over the second half of the topic. Raises SystemExit when the job ends
    before it has published all."""
    cores = ["--conf", f"spark.cores.max={executors}"]
    job = ["direct", "--topic", topic.name, "--output", f"{root}/quarter/{uuid.uuid4().hex}"]
    command = [str(ROOT / "scripts" / "submit"), *place("standalone 2x1"), *cores, *job]
    begun, done, halfway = time.monotonic(), 0, (0.0, 0)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                if found := PUBLISHED.search(line):
                    done += int(found[1])
                    now = time.monotonic()
                    if not halfway[1] and done >= topic.tweets / 2:
                        halfway = now, done
                    if done >= topic.tweets:
                        return (done - halfway[1]) / (now - halfway[0])
                elif "error:" in line or time.monotonic() - begun > LIMIT_S:
                    break
        finally:
            process.terminate()
    sys.exit(f"error: {executors} executors: {done} of {topic.tweets} tweets were published")


def main() -> None:
    """One executor and four, in turn."""
    tweets, rounds = numbers(sys.argv[1:])
    home = Home(ROOT / settings.load("services", []).services_home)
    workers = [pid for n in range(1, 5) if (pid := home.pid(f"spark-worker-{n}"))]
    if len(workers) < max(EXECUTORS):
        sys.exit("error: four Spark workers are needed: scripts/services start --spark-workers 4")
    stage = Stage("", "")
    found: dict[int, list[float]] = {executors: [] for executors in EXECUTORS}
    try:
        topic = stage.topic(tweets, partitions=4)
        with quarters(workers):
            for _ in range(rounds):
                for executors in EXECUTORS:
                    found[executors].append(round(rate(executors, topic, stage.hdfs)))
                    print(f"{executors} executors: {found[executors][-1]} tweets per second")
    finally:
        stage.clear()
    one, four = (statistics.median(found[executors]) for executors in EXECUTORS)
    report = {
        "machine": about(),
        "tweets": tweets,
        "tweets_per_s": found,
        "times_one": round(four / one, 2),
    }
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(f"four executors do {four / one:.2f} times the work of one")


if __name__ == "__main__":
    exit_with(main)
