"""YARN on this machine for tests: its application masters, and what a job needs to run on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import yarn_nodes
from tests.conftest import Services
from tests.kit import clusters, jobs

NODES = ("resourcemanager", "nodemanager-1", "nodemanager-2")
MASTER = "deploy.yarn.ApplicationMaster"
LASTING = {  # what kill loops would use up: Spark's limits are for an hour
    "spark.executor.instances": "2",
    "spark.executor.maxNumFailures": "1000",
    "spark.yarn.maxAppAttempts": "100",
}
SMALL = {
    "spark.executor.memory": "512m",
    "spark.executor.memoryOverhead": "512m",
    "spark.executor.instances": "1",
}


class Yarn:
    """The ResourceManager and two NodeManagers of a set of services."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.environ = {"HADOOP_CONF_DIR": str(yarn_nodes.client_folder(services.home))}

    def options(self, mode: str, *conf: str) -> list[str]:
        """spark-submit's options for the deploy mode; `conf` are settings, NAME=VALUE."""
        settings = [*("=".join(row) for row in SMALL.items()), *conf]
        found = ["--master", "yarn", "--deploy-mode", mode]
        return found + [word for setting in settings for word in ("--conf", setting)]

    @contextmanager
    def started(
        self,
        folder: Path,
        approach: str,
        topic: str,
        output: str,
        *arguments: str,
        attempts: int = 100,
    ) -> Iterator[jobs.Job]:
        """The job in cluster mode: `Job` is the client that has submitted it, and the driver is in
        the application master. Both are gone at the end."""
        with jobs.started(
            self.services,
            folder,
            approach,
            topic,
            output,
            *arguments,
            spark=self.options("cluster", f"spark.yarn.maxAppAttempts={attempts}"),
            environ=self.environ,
        ) as job:
            try:
                yield job
            finally:
                if job.process.poll() is None:  # the application outlives its client
                    self.services.run("stop", *NODES)
                    self.services.run("start")

    def masters(self) -> list[int]:
        """The pids of the application masters' JVMs, which are the drivers in cluster mode."""
        return [pid for name in NODES[1:] for pid in self.masters_of(name)]

    def masters_of(self, name: str) -> list[int]:
        """Those of one NodeManager, such as "nodemanager-1"."""
        return clusters.jvms(self.services, name, MASTER)

    def kill_master(self) -> None:
        """`kill -9` of the application master with its Python driver."""
        clusters.kill_all(self.masters())

    def said(self) -> str:
        """What the containers of all applications have written."""
        logs = [self.services.home / name / "logs" for name in NODES[1:]]
        files = [file for log in logs for file in log.glob("application_*/container_*/std*")]
        return "\n".join(file.read_text(errors="replace") for file in files)


@contextmanager
def running(services: Services) -> Iterator[Yarn]:
    """YARN of two hosts beside the session's Kafka and HDFS; stopped and forgotten at the end."""
    services.run("start", "--yarn-nodes", "2")
    try:
        yield Yarn(services)
    finally:
        services.run("stop", *NODES)
        services.run("start", "kafka-1", "--yarn-nodes", "0")


@contextmanager
def on_two_hosts(services: Services) -> Iterator[clusters.Cluster]:
    """YARN, for a driver in client mode with two executors; what `running` says."""
    with running(services) as yarn:
        settings = {**clusters.IMPATIENT, **LASTING}
        options = yarn.options("client", *("=".join(row) for row in settings.items()))
        yield clusters.Cluster(services, options, yarn.environ, "resourcemanager", "nodemanager")
