"""What it costs to have executors elsewhere: core-seconds per million tweets on local[2], on one
executor of two cores, and on two of one core, by turns in one run.

    scripts/services start --spark-workers 2
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.distribution [TWEETS] [ROUNDS]

CPU of the driver, the executors and their Python workers; the Workers' daemons too. A run of few
tweets is subtracted from one of many, so starting counts for nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import uuid
from pathlib import Path

from benchmarks.machine import about
from benchmarks.measure import Watch
from config import settings
from config.venv import PYTHON, ROOT
from local.processes import Home

FILE = Path(__file__).with_name("results") / "distribution.json"
FEW = 20_000
LIMIT_S = 900.0
PLACES = {
    "local[2]": ["--master", "local[2]"],
    "standalone 1x2": ["--conf", "spark.executor.cores=2"],
    "standalone 2x1": ["--conf", "spark.executor.cores=1"],
}


def place(name: str) -> list[str]:
    """spark-submit's options."""
    if name.startswith("local"):
        return PLACES[name]
    return ["--master", os.environ["SPARK_MASTER"], "--conf", "spark.cores.max=2", *PLACES[name]]


def topic_of(tweets: int) -> str:
    """A new topic with this number of invented tweets."""
    topic = f"distribution-{uuid.uuid4().hex[:8]}"
    line = [str(PYTHON), "-m", "producer", "--source", "sample", "--max-posts", str(tweets)]
    subprocess.run([*line, "--topic", topic], cwd=ROOT, check=True, capture_output=True)
    return topic


def run(name: str, topic: str, tweets: int, workers: list[int]) -> float:
    """CPU seconds until all of the topic is published. Raises SystemExit when it is not."""
    output = f"{os.environ['TWEETS_OUTPUT'].split('/tweets/')[0]}/distribution/{uuid.uuid4().hex}"
    job = ["direct", "--topic", topic, "--output", output, "--available-now"]
    command = [str(ROOT / "scripts" / "submit"), *place(name), *job]
    watch = Watch([command], tweets, os.environ, ROOT)
    watch.sessions.leaders.update(workers)
    before = watch.sessions.sample()
    done = watch.finish(LIMIT_S)
    if done.failure:
        sys.exit(f"error: {name}: {done.failure}\n" + "\n".join(done.said[-10:]))
    return done.cpu_s - before


def main() -> None:
    many, rounds = [int(word) for word in (*sys.argv[1:], *("300000", "2")[len(sys.argv) - 1 :])]
    home = Home(ROOT / settings.load("services", []).services_home)
    workers = [pid for n in (1, 2) if (pid := home.pid(f"spark-worker-{n}"))]
    topics = {tweets: topic_of(tweets) for tweets in (FEW, many)}
    found: dict[str, list[float]] = {name: [] for name in PLACES}
    for _ in range(rounds):
        for name in PLACES:
            spent = {n: run(name, topic, n, workers) for n, topic in topics.items()}
            million = (spent[many] - spent[FEW]) / (many - FEW) * 1e6
            found[name].append(round(million, 1))
            print(f"{name:<16} {million:8.1f} core-seconds per million tweets", flush=True)
    median = {name: statistics.median(values) for name, values in found.items()}
    report = {
        "machine": about(),
        "tweets": many,
        "core_s_per_million": found,
        "times_local": {
            name: round(value / median["local[2]"], 2) for name, value in median.items()
        },
    }
    FILE.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report["times_local"]))


if __name__ == "__main__":
    main()
