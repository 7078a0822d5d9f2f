"""What it costs to have executors elsewhere: core-seconds per million tweets on local[2], on one
executor of two cores, and on two of one core, by turns in one run.

    scripts/services start --spark-workers 2 --yarn-nodes 2
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.distribution [TWEETS] [ROUNDS]

CPU of the driver, the executors and their Python workers; the hosts' daemons too. A run of few
tweets is subtracted from one of many, so starting counts for nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
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
    "yarn 2x1": ["--conf", "spark.executor.cores=1", "--conf", "spark.executor.instances=2"],
}


def place(name: str) -> list[str]:
    """spark-submit's options."""
    if name.startswith("local"):
        return PLACES[name]
    if name.startswith("yarn"):
        return ["--master", "yarn", *PLACES[name]]
    return ["--master", os.environ["SPARK_MASTER"], "--conf", "spark.cores.max=2", *PLACES[name]]


def topic_of(tweets: int, environ: Mapping[str, str]) -> str:
    """A new topic with this number of invented tweets."""
    topic = f"price-{uuid.uuid4().hex[:8]}"
    line = [str(PYTHON), "-m", "producer", "--source", "sample", "--max-posts", str(tweets)]
    line += ["--topic", topic]
    subprocess.run(line, cwd=ROOT, env=dict(environ), check=True, stdout=subprocess.DEVNULL)
    return topic


def spent(
    options: list[str],
    topic: str,
    tweets: int,
    environ: Mapping[str, str],
    daemons: Sequence[int] = (),
) -> float:
    """CPU seconds of the direct job, and of the `daemons`, until all of the topic is
    published. Raises SystemExit when it is not."""
    root = environ["TWEETS_OUTPUT"].split("/tweets/")[0]
    job = ["direct", "--topic", topic, "--output", f"{root}/price/{uuid.uuid4().hex}"]
    command = [str(ROOT / "scripts" / "submit"), *options, *job, "--available-now"]
    watch = Watch([command], tweets, environ, ROOT)
    watch.sessions.leaders.update(daemons)
    before = watch.sessions.sample()
    done = watch.finish(LIMIT_S)
    if done.failure:
        sys.exit(f"error: {' '.join(options)}: {done.failure}\n" + "\n".join(done.said[-10:]))
    return done.cpu_s - before


def in_turn(
    ways: Mapping[str, Callable[[int], float]], tweets: int, rounds: int
) -> dict[str, list[float]]:
    """Core-seconds per million tweets of each way, called with FEW tweets and with many."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(FEW)  # compiles what is not compiled yet
    for _ in range(rounds):
        for name, way in ways.items():
            few = way(FEW)
            million = (way(tweets) - few) / (tweets - FEW) * 1e6
            found[name].append(round(million, 1))
            print(f"{name:<16} {million:8.1f} core-seconds per million tweets", flush=True)
    return found


def reported(file: Path, found: Mapping[str, list[float]], tweets: int, name: str) -> None:
    """Write the figures down; `name` is the way that the others are compared with."""
    median = {way: statistics.median(values) for way, values in found.items()}
    times = {way: round(value / median[name], 2) for way, value in median.items()}
    report = {
        "machine": about(),
        "tweets": tweets,
        "core_s_per_million": found,
        f"times_{name}": times,
    }
    file.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(times))


def numbers(words: Sequence[str]) -> tuple[int, int]:
    """TWEETS and ROUNDS of a command line."""
    given = [int(word) for word in words]
    return given[0] if given else 300_000, given[1] if len(given) > 1 else 3


def main() -> None:
    """Measure each place in turn."""
    tweets, rounds = numbers(sys.argv[1:])
    home = Home(ROOT / settings.load("services", []).services_home)
    hosts = [f"{name}-{n}" for name in ("spark-worker", "nodemanager") for n in (1, 2)]
    daemons = [pid for host in hosts if (pid := home.pid(host))]
    topics = {some: topic_of(some, os.environ) for some in (FEW, tweets)}

    def way(name: str) -> Callable[[int], float]:
        return lambda some: spent(place(name), topics[some], some, os.environ, daemons)

    reported(
        FILE, in_turn({name: way(name) for name in PLACES}, tweets, rounds), tweets, "local[2]"
    )


if __name__ == "__main__":
    main()
