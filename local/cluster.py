"""Spark's own standalone cluster on this machine: one Master, and N Workers on hosts of their own.

They start as on a real cluster: from PySpark's files alone, with an environment that knows nothing
of this repository. An executor finds our code only where scripts/submit has put it.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from config.settings import Settings
from local import compile, hosts
from local.nodes import HOST, Node

CORES = 2  # of one Worker
MEMORY = "4g"
SECRET = "_SPARK_AUTH_SECRET"  # Spark's own name; it goes before spark.authenticate.secret
HEAP = "256m"
LEADS_S = 60.0
MASTER = {
    # this door starts drivers without a password, and is open by default
    "spark.master.rest.enabled": "false",
    # a Master that starts again knows its applications; otherwise it ends their executors
    "spark.deploy.recoveryMode": "FILESYSTEM",
    # by default ten lost executors end an application
    "spark.deploy.maxExecutorRetries": "-1",
    "spark.ui.killEnabled": "false",
    "spark.master.ui.decommission.allow.mode": "DENY",
    # s; a Worker that is silent for longer is lost
    "spark.worker.timeout": "15",
    # after this many times that the Master forgets it; of a Worker that was cut off for longer it
    # then ignores the heartbeats for ever, and neither asks the other to register
    "spark.dead.worker.persistence": "100000",
}
WORKER = {
    # without the time in it: where the Master still remembers a Worker at this address, a new one
    # counts as that one; otherwise neither would ever ask the other to register
    "spark.worker.idPattern": "worker-%2$s-%3$d",
    "spark.worker.cleanup.enabled": "true",
    "spark.ui.killEnabled": "false",
    "spark.worker.decommission.enabled": "false",
}


def master(settings: Settings) -> str:
    """The address for `--master`."""
    return f"spark://{HOST}:{settings.spark_port}"


def nodes(settings: Settings, home: Path) -> list[Node]:
    """The Master and the Workers; none unless Workers are wanted."""
    if not settings.spark_workers:
        return []
    numbers = range(1, settings.spark_workers + 1)
    return [_master(settings, home), *(_worker(settings, home, number) for number in numbers)]


def _master(settings: Settings, home: Path) -> Node:
    page = settings.spark_http_port
    options = {**MASTER, "spark.deploy.recoveryDirectory": home / "spark-master" / "recovery"}
    places = ["--host", HOST, "--port", str(settings.spark_port), "--webui-port", str(page)]
    return Node(
        "spark-master",
        f"{HOST}:{settings.spark_port}",
        {settings.spark_port: "spark_port", page: "spark_http_port"},
        [_spark_class(), "org.apache.spark.deploy.master.Master", *places],
        lambda: None,
        lambda: _missing(page, 0, ""),
        environ=_environment(home, HOST, options),
    )


def _worker(settings: Settings, home: Path, number: int) -> Node:
    name, host = f"spark-worker-{number}", hosts.address(number)
    port, page = settings.spark_port + 1, settings.spark_http_port + 1
    folder = home / name
    places = ["--host", host, "--port", str(port), "--webui-port", str(page)]
    size = ["--cores", str(CORES), "--memory", MEMORY, "--work-dir", str(folder / "work")]
    environ = _environment(home, host, WORKER)
    environ["SPARK_LOCAL_DIRS"] = str(folder / "local")
    return Node(
        name,
        f"{host}:{port}",
        {port: "spark_port", page: "spark_http_port"},
        [_spark_class(), "org.apache.spark.deploy.worker.Worker", *places, *size, master(settings)],
        lambda: _prepare(folder / "local", settings.spark_http_port),
        lambda: _missing(settings.spark_http_port, page, host),
        host=host,
        environ=environ,
    )


def _prepare(folder: Path, master_page: int) -> None:
    """Make a Worker's folder, and wait until the Master leads: one that recovers this Worker while
    it registers tells it that the Master has changed, and nothing that starts its heartbeats. It
    is lost after 15 s, for good."""
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + LEADS_S
    while time.monotonic() < end:
        with suppress(URLError, OSError, ValueError):
            if _page(HOST, master_page)["status"] != "STANDBY":
                return
        time.sleep(0.2)


def _missing(master_page: int, worker_page: int, host: str) -> str:
    """What is missing until the Master, and the Worker on the host if one is named, are at work."""
    try:
        state = _page(HOST, master_page)
        if not host:
            return "" if state["status"] == "ALIVE" else f"the Master is {state['status']}"
        own = _page(host, worker_page)["id"]
    except (URLError, OSError, ValueError) as error:
        return f"no answer: {error}"
    alive = [worker["id"] for worker in state["workers"] if worker["state"] == "ALIVE"]
    return "" if own in alive else "the Master does not count it as alive yet"


def _page(host: str, port: int) -> Any:
    with urlopen(f"http://{host}:{port}/json/", timeout=5) as answer:
        return json.load(answer)


def _spark_class() -> str:
    return str(compile.pyspark_jars().parent / "bin" / "spark-class")


def _environment(home: Path, host: str, options: Mapping[str, object]) -> dict[str, str]:
    """A daemon's environment: nothing of ours but the secret."""
    java = {"spark.authenticate": "true", **options}
    flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return {
        **hosts.environment(),
        "SPARK_HOME": str(compile.pyspark_jars().parent),
        "SPARK_LOCAL_IP": host,
        "SPARK_DAEMON_MEMORY": HEAP,
        # spark-class splits at spaces, and takes quotes
        "SPARK_DAEMON_JAVA_OPTS": " ".join([*flags, *(f'"-D{k}={v}"' for k, v in java.items())]),
        SECRET: hosts.secret(home),
    }
