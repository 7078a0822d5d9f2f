"""What it costs to have executors elsewhere: core-seconds per million tweets on local[2], on one
executor of two cores, on two of one core, and on two of YARN's, by turns in one run.

    scripts/services start --spark-workers 2 --yarn-nodes 2
    eval "$(scripts/services env)"
    .venv/bin/python -m benchmarks.distribution [TWEETS] [ROUNDS]

CPU of the driver, the executors and their Python workers; the daemons of the cluster too. A run of
few tweets is subtracted from one of many, so starting counts for nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import uuid
from pathlib import Path

from kafka.admin import KafkaAdminClient

from benchmarks.machine import about
from benchmarks.measure import Sessions, Watch
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
    "yarn 2x1": ["--master", "yarn", "--conf", "spark.executor.cores=1"],
}
DAEMONS = {
    "standalone": ("spark-master", "spark-worker-1", "spark-worker-2"),
    "yarn": ("resourcemanager", "nodemanager-1", "nodemanager-2"),
}


class Families(Sessions):
    """The sessions of a program, of daemons, and of all that these have started: YARN gives each
    container a session of its own."""

    def sample(self) -> float:
        for entry in os.listdir("/proc"):  # noqa: PTH208  as in Sessions
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                above = Path(f"/proc/{fields[1]}/stat").read_text().rpartition(")")[2].split()
            except (OSError, IndexError):  # no process, or gone
                continue
            if int(above[3]) in self.leaders:
                self.leaders.add(int(fields[3]))
        return super().sample()


def place(name: str) -> list[str]:
    """spark-submit's options."""
    if not name.startswith("standalone"):
        return PLACES[name]
    return ["--master", os.environ["SPARK_MASTER"], "--conf", "spark.cores.max=2", *PLACES[name]]


def topic_of(tweets: int, partitions: int = 3) -> str:
    """A new topic with this number of invented tweets."""
    topic = f"distribution-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=settings.load("direct", []).bootstrap)
    wanted = {topic: {"num_partitions": partitions, "replication_factor": 1}}
    admin.create_topics(wanted, wait_for_metadata=True)
    admin.close()
    line = [str(PYTHON), "-m", "producer", "--source", "sample", "--max-posts", str(tweets)]
    subprocess.run([*line, "--topic", topic], cwd=ROOT, check=True, capture_output=True)
    return topic


def output() -> str:
    """A new one."""
    return f"{os.environ['TWEETS_OUTPUT'].split('/tweets/')[0]}/distribution/{uuid.uuid4().hex}"


def run(name: str, topic: str, tweets: int, daemons: list[int]) -> float:
    """CPU seconds until all of the topic is published. Raises SystemExit when it is not."""
    job = ["direct", "--topic", topic, "--output", output(), "--available-now"]
    command = [str(ROOT / "scripts" / "submit"), *place(name), *job]
    watch = Watch([command], tweets, os.environ, ROOT)
    families = Families()
    families.leaders = {*watch.sessions.leaders, *daemons}
    watch.sessions = families
    before = families.sample()
    done = watch.finish(LIMIT_S)
    if done.failure:
        sys.exit(f"error: {name}: {done.failure}\n" + "\n".join(done.said[-10:]))
    return done.cpu_s - before


def main() -> None:
    many, rounds = [int(word) for word in (*sys.argv[1:], *("300000", "2")[len(sys.argv) - 1 :])]
    home = Home(ROOT / settings.load("services", []).services_home)
    topics = {tweets: topic_of(tweets) for tweets in (FEW, many)}
    found: dict[str, list[float]] = {name: [] for name in PLACES}
    for _ in range(rounds):
        for name in PLACES:
            known = DAEMONS.get(name.partition(" ")[0], ())
            daemons = [pid for daemon in known if (pid := home.pid(daemon))]
            spent = {n: run(name, topic, n, daemons) for n, topic in topics.items()}
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
