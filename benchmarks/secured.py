"""What logins, ACLs, Kerberos and encryption cost the direct job: core-seconds per million tweets
with plain services and with secured ones, by turns in one run.

    .venv/bin/python -m benchmarks.secured [TWEETS] [ROUNDS]

It starts a plain and a secured set of services beside each other, and ends them. Counted is the
CPU of the job alone; it logs in by TLS, Spark encrypts what it sends, HDFS encrypts blocks
(docs/security.md).
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.price import FEW, in_turn, numbers, reported, spent, topic_of
from config.venv import ROOT

FILE = Path(__file__).with_name("results") / "secured.json"
SERVICES = str(ROOT / "scripts" / "services")
SETS = {"plain": ("false", 24_000), "secured": ("true", 25_000)}  # the ports begin there
PORTS = ("kafka", "kafka_tls", "controller", "kdc", "namenode", "namenode_http", "datanode")
APART = 20  # a DataNode takes ten ports


def of_set(name: str, folder: Path) -> dict[str, str]:
    """The environment in which scripts/services means this set."""
    secure, first = SETS[name]
    ports = {f"TWEETS_{port.upper()}_PORT": str(first + APART * n) for n, port in enumerate(PORTS)}
    home = {"TWEETS_SERVICES_HOME": str(folder / name), "TWEETS_SECURE": secure}
    return {**os.environ, **ports, **home}


def as_user(environ: dict[str, str], user: str) -> dict[str, str]:
    """The environment in which a program is this user of the set."""
    told = subprocess.run([SERVICES, "env", user], env=environ, check=True, capture_output=True)
    lines = (line.removeprefix("export ") for line in told.stdout.decode().splitlines())
    pairs = (word.partition("=") for line in lines for word in shlex.split(line))
    return {**environ, **{name: value for name, _, value in pairs}}


def main() -> None:
    """Measure both sets in turn."""
    tweets, rounds = numbers(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        environs = {name: of_set(name, Path(folder)) for name in SETS}
        try:
            ways = {}
            for name, environ in environs.items():
                subprocess.run([SERVICES, "start"], env=environ, check=True)
                ways[name] = way(name == "secured", environ, tweets)
            reported(FILE, in_turn(ways, tweets, rounds), tweets, "plain")
        finally:
            for environ in environs.values():
                subprocess.run([SERVICES, "stop"], env=environ, check=True)


def way(secure: bool, environ: dict[str, str], tweets: int) -> Callable[[int], float]:
    """The direct job on this set, over a topic of FEW tweets or of all."""
    topics = {some: topic_of(some, as_user(environ, "producer")) for some in (FEW, tweets)}
    jobs, options = as_user(environ, "jobs"), ["--secure"] if secure else []
    return lambda some: spent(options, topics[some], some, jobs)


if __name__ == "__main__":
    main()
