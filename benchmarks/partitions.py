"""What many partitions cost the jobs: 500 against 3, the same tweets, each job in turn.

    python -m benchmarks.partitions [--tweets N] [--partitions N …] [--jobs JOB …] [--report FILE]

Each job gets a backlog, with the settings and the heap of config/spark.conf, and follows the topic;
the clock runs from its first published batch to its last. Then, and once halfway, the driver's JVM
collects its garbage: the heap is what is used after that. The NameNode counts the calls it answers
(JMX); a batch has its share of those of the start. Starts the services; ten minutes.
"""

import argparse
import getpass
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from hdfs import InsecureClient

from benchmarks.machine import about
from benchmarks.stage import Stage
from config import settings
from config.errors import exit_with
from config.shared import WEBHDFS_PORT
from config.venv import ROOT
from local import jdk

PUBLISHED = re.compile(r"batch \d+: .* (\d+) tweets, \d+ deleted")
CALLS = "jmx?qry=Hadoop:service=NameNode,name=RpcActivityForPort{}"
LIMIT_S = 900


def calls(job: settings.Settings) -> int:
    """How many calls the NameNode has answered."""
    port = job.output.split("/")[2].rpartition(":")[2]
    with urlopen(f"{webhdfs()}/{CALLS.format(port)}", timeout=30) as answer:
        (bean,) = json.load(answer)["beans"]
    return int(bean["RpcProcessingTimeNumOps"])


def webhdfs() -> str:
    return os.environ.get("TWEETS_WEBHDFS", f"http://127.0.0.1:{WEBHDFS_PORT}")


def heap_mib(pid: int) -> float:
    """What the JVM holds after a full collection."""
    jcmd = [str(jdk.home() / "bin" / "jcmd"), str(pid)]
    subprocess.run([*jcmd, "GC.run"], check=True, capture_output=True)
    told = subprocess.run(
        [*jcmd, "GC.heap_info"], check=True, capture_output=True, text=True
    ).stdout
    spaces = [
        line for line in told.splitlines() if re.search(r"(PSYoungGen|ParOldGen)\s+total", line)
    ]
    return round(sum(int(re.search(r"used (\d+)K", line)[1]) for line in spaces) / 1024, 1)  # type: ignore[index]


def measure(stage: Stage, approach: str, topic: str, tweets: int) -> dict[str, Any]:
    """Run one job over the backlog."""
    folder = f"/bench/partitions-{approach.replace('_', '-')}-{topic}"
    command = [
        str(ROOT / "scripts" / "submit"),
        approach,
        "--topic",
        topic,
        "--output",
        stage.hdfs + folder,
    ]
    job = settings.load(approach, [], "")
    before, begun = calls(job), time.monotonic()
    batches: list[tuple[float, int]] = []
    halfway = 0.0
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if found := PUBLISHED.search(line):
                batches.append((time.monotonic() - begun, int(found[1])))
                done = sum(count for _, count in batches)
                if not halfway and done >= tweets / 2:
                    halfway = heap_mib(process.pid)
                if done >= tweets:
                    break
            elif "error:" in line or time.monotonic() - begun > LIMIT_S:
                sys.exit(f"{approach}, {topic}: {line}")
        asked, idle = calls(job) - before, heap_mib(process.pid)
    finally:
        process.terminate()
        process.communicate()
    manifests = InsecureClient(webhdfs(), user=getpass.getuser())
    files = sum(
        name.startswith("part-")
        for _, _, names in manifests.walk(f"{folder}/batches")
        for name in names
    )
    manifests.delete(folder, recursive=True)
    (first_s, first), (last_s, _) = batches[0], batches[-1]
    return {
        "tweets_per_s": round((tweets - first) / (last_s - first_s)) if last_s > first_s else None,
        "first_batch_s": round(first_s, 1),
        "batches": len(batches),
        "files_per_batch": round(files / len(batches), 1),
        "namenode_calls_per_batch": round(asked / len(batches)),
        "heap_halfway_mib": halfway,
        "heap_idle_mib": idle,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.partitions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--tweets", type=int, default=600_000, help="the backlog (default 600,000)")
    parser.add_argument(
        "--partitions", type=int, nargs="+", default=[3, 500], help="of the topics (default 3 500)"
    )
    parser.add_argument(
        "--jobs",
        nargs="+",
        default=["direct", "receiver_based"],
        help="which, in turn (default both)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        help="write the figures there too, such as benchmarks/results/partitions.json",
    )
    chosen = parser.parse_args()
    stage = Stage("", "")
    result: dict[str, Any] = {
        "machine": about(),
        "tweets": chosen.tweets,
        "cores": os.cpu_count(),
        "partitions": {},
    }
    try:
        for partitions in chosen.partitions:
            topic = stage.topic(chosen.tweets, partitions)
            result["partitions"][f"{partitions}"] = {
                job: measure(stage, job, topic.name, chosen.tweets) for job in chosen.jobs
            }
    finally:
        stage.clear()
    print(text := json.dumps(result, indent=1))
    if chosen.report:
        chosen.report.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_with(main)
