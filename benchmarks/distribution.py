"""What it costs to have executors elsewhere: core-seconds per million tweets on local[2], on one
executor of two cores, and on two of one core, by turns in one run.

    scripts/services start --spark-workers 2 --yarn-nodes 2
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.distribution [TWEETS] [ROUNDS]

CPU of the driver, the executors and their Python workers; the hosts' daemons too. A run of few
tweets is subtracted from one of many, so starting counts for nothing.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.price import FEW, in_turn, numbers, reported, spent, topic_of
from config import settings
from config.venv import ROOT
from local.processes import Home

FILE = Path(__file__).with_name("results") / "distribution.json"
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
