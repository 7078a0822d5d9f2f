"""Whether four executors do four times the work of one, each held to a quarter of a core by its
cgroup: on two cores nothing but the executors may be the limit.

    scripts/services start --spark-workers 2
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.quarter_cores [TWEETS PER BATCH] [BATCHES]

Needs cgroups (version 1) that this user may make: root. The first batch warms up without the limit
and counts for nothing; the cgroups' own clock says what each executor really got.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.distribution import output, topic_of
from benchmarks.machine import about
from config import settings
from config.venv import ROOT
from local.processes import Home

FILE = Path(__file__).with_name("results") / "quarter_cores.json"
GROUPS = Path("/sys/fs/cgroup/cpu")
CLOCK = Path("/sys/fs/cgroup/cpuacct")
PERIOD_US = 100_000
SHARES = "4096"  # so that other work on the machine does not take the quarter away
PUBLISHED = re.compile(r"batch \d+: .* (\d+) tweets, .* ([\d.]+) s$")
INTERVAL_S = 2
PARTITIONS = 8  # the same number for each executor
LIMIT_S = 1200.0


class Held:
    """The executors below the Workers, each with its Python workers in a cgroup of its own."""

    def __init__(self, workers: list[int]) -> None:
        self.groups: list[Path] = []
        table = subprocess.run(
            ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in table.splitlines()]
        executors = [
            int(pid)
            for pid, above, line in rows
            if int(above) in workers and "CoarseGrainedExecutorBackend" in line
        ]
        for number, executor in enumerate(executors):
            family = [executor]
            for member in family:
                family += [int(pid) for pid, above, _ in rows if int(above) == member]
            self.groups.append(_group(f"quarter-{os.getpid()}-{number}", family))
        self._begun, self._used = time.monotonic(), [_used_s(group) for group in self.groups]

    def cores(self) -> list[float]:
        """What each has had since it is held."""
        passed = time.monotonic() - self._begun
        now = [_used_s(group) for group in self.groups]
        return [round((b - a) / passed, 2) for a, b in zip(self._used, now, strict=True)]

    def remove(self) -> None:
        """Once the processes have ended."""
        for group in self.groups:
            for folder in (group, CLOCK / group.name):
                with suppress(OSError):
                    folder.rmdir()


def _group(name: str, pids: list[int]) -> Path:
    """A cgroup of a quarter of a core with these processes, and what they will start."""
    group, clock = GROUPS / name, CLOCK / name
    for folder in (group, clock):
        folder.mkdir(exist_ok=True)
    (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (group / "cpu.cfs_quota_us").write_text(str(PERIOD_US // 4))
    (group / "cpu.shares").write_text(SHARES)
    for pid in pids:
        for folder in (group, clock):
            (folder / "cgroup.procs").write_text(str(pid))
    return group


def _used_s(group: Path) -> float:
    return int((CLOCK / group.name / "cpuacct.usage").read_text()) / 1e9


def measure(executors: int, topic: str, each: int, workers: list[int]) -> dict[str, Any]:
    """Tweets per second of the batches after the first."""
    conf = {"spark.cores.max": executors, "spark.executor.cores": 1, "spark.executor.memory": "1g"}
    options = [word for row in conf.items() for word in ("--conf", f"{row[0]}={row[1]}")]
    rate = each // (PARTITIONS * INTERVAL_S)
    command = [str(ROOT / "scripts" / "submit"), "--master", os.environ["SPARK_MASTER"], *options]
    command += ["direct", "--topic", topic, "--output", output(), "--available-now"]
    command += ["--batch-interval-s", str(INTERVAL_S), "--max-rate", str(rate)]
    begun, tweets, seconds = time.monotonic(), 0, 0.0
    held: Held | None = None
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        cores: list[float] = []
        for line in process.stdout:
            if "error:" in line or time.monotonic() - begun > LIMIT_S:
                process.terminate()
                sys.exit(f"{executors} executors: {line}")
            if not (found := PUBLISHED.search(line.rstrip())):
                continue
            if held is None:
                held = Held(workers)
                continue
            tweets, seconds, cores = tweets + int(found[1]), seconds + float(found[2]), held.cores()
    if held is None or not seconds:
        sys.exit(f"{executors} executors: there was one batch only")
    held.remove()
    return {"tweets_per_s": round(tweets / seconds), "cores_of_each": cores}


def main() -> None:
    each, batches = [int(word) for word in (*sys.argv[1:], *("300000", "3")[len(sys.argv) - 1 :])]
    home = Home(ROOT / settings.load("services", []).services_home)
    workers = [pid for n in (1, 2) if (pid := home.pid(f"spark-worker-{n}"))]
    topic = topic_of(each * batches, PARTITIONS)
    found = {n: measure(n, topic, each, workers) for n in (1, 4)}
    times = found[4]["tweets_per_s"] / found[1]["tweets_per_s"]
    report = {"machine": about(), "tweets_per_batch": each, "executors": found}
    report["times_one"] = round(times, 2)
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report["executors"]), round(times, 2))


if __name__ == "__main__":
    main()
