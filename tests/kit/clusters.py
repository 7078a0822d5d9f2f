"""A cluster on this machine for tests: its processes, and what a job needs to run on it."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from local import hosts
from tests.conftest import Services, wait_until
from tests.kit import jobs

EXECUTOR = "CoarseGrainedExecutorBackend"
# so that a lost host is noticed within a test
IMPATIENT = {
    "spark.network.timeout": "12s",
    "spark.network.timeoutInterval": "6s",
    "spark.executor.heartbeatInterval": "2s",
    "spark.executor.memory": "512m",
}


class Cluster:
    """The manager and the hosts of a set of services: Master and Workers, or ResourceManager and
    NodeManagers. `options` are spark-submit's there, `environ` is what the driver needs."""

    def __init__(
        self,
        services: Services,
        options: Sequence[str],
        environ: Mapping[str, str],
        manager: str = "spark-master",
        daemon: str = "spark-worker",
    ) -> None:
        self.services, self.options, self.environ = services, list(options), environ
        self.manager, self.daemon = manager, daemon

    @contextmanager
    def started(
        self,
        folder: Path,
        approach: str,
        topic: str,
        output: str,
        *arguments: str,
        spark: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[jobs.Job]:
        """The job under way on this cluster; what `jobs.started` says."""
        with jobs.started(
            self.services,
            folder,
            approach,
            topic,
            output,
            *arguments,
            spark=[*self.options, *spark],
            environ={**self.environ, **(environ or {})},
        ) as job:
            yield job

    def executors(self, host: int = 0) -> list[int]:
        """The pids of the executors, of one host where it is named (1, 2, …)."""
        found = (self.services.home / "pids").glob(f"{self.daemon}-*.json")
        chosen = [f"{self.daemon}-{host}"] if host else [path.stem for path in found]
        return [pid for name in chosen for pid in jvms(self.services, name, EXECUTOR)]

    def logs(self, host: int | str = "*") -> list[Path]:
        """What the executors have said, of one host where it is named."""
        return sorted(self.services.home.glob(f"spark-worker-{host}/work/*/*/stderr"))

    def kill_executor(self, host: int = 0) -> None:
        """`kill -9` of one executor, with its Python workers."""
        wait_until(lambda: self.executors(host), 60, "there is an executor to kill")
        kill_all(self.executors(host)[:1])

    def kill_host(self, host: int) -> None:
        """`kill -9` of everything on one host."""
        kill_all([self.services.pid(f"{self.daemon}-{host}")])

    def kill_daemon(self, host: int) -> None:
        """`kill -9` of a host's Worker or NodeManager alone."""
        os.kill(self.services.pid(f"{self.daemon}-{host}"), signal.SIGKILL)

    def kill_manager(self) -> None:
        """`kill -9` of the Master or ResourceManager."""
        os.kill(self.services.pid(self.manager), signal.SIGKILL)

    def start(self) -> None:
        """Start again what was killed, and wait until it is at work."""
        self.services.run("start")


def standalone(
    services: Services, master: str = "127.0.0.1", settings: Mapping[str, str] = IMPATIENT
) -> Cluster:
    """The Master, which is at this address, and the Workers of a set of services."""
    options = ["--master", f"spark://{master}:{services.spark_port}"]
    options += [word for row in settings.items() for word in ("--conf", "=".join(row))]
    return Cluster(services, options, {"_SPARK_AUTH_SECRET": hosts.secret(services.home)})


@contextmanager
def on_two_hosts(services: Services) -> Iterator[Cluster]:
    """Two Workers beside the session's Kafka and HDFS; stopped and forgotten at the end."""
    services.run("start", "--spark-workers", "2")
    try:
        yield standalone(services)
    finally:
        services.run("stop", "spark-master", "spark-worker-1", "spark-worker-2")
        services.run("start", "kafka-1", "--spark-workers", "0")


def kill_all(pids: list[int]) -> None:
    """`kill -9` of these processes and of all below them."""
    families = [[pid, *jobs.descendants(pid)] for pid in pids]
    for member in [pid for family in families for pid in family]:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """SIGSTOP of these processes and of all below them; they continue at the end."""
    family = [*pids, *(child for pid in pids for child in jobs.descendants(pid))]

    def send(number: int) -> None:
        for pid in family:
            with suppress(ProcessLookupError):  # a Python worker may have ended meanwhile
                os.kill(pid, number)

    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


def jvms(services: Services, daemon: str, words: str) -> list[int]:
    """The pids of the JVMs below a service that have these words in their command line, without the
    shells in which YARN starts them; none where the service does not run."""
    with suppress(AssertionError):
        lines = {pid: program(pid) for pid in jobs.descendants(services.pid(daemon))}
        found = [pid for pid, line in lines.items() if words in line]
        return [pid for pid in found if lines[pid].split()[0].endswith("/java")]
    return []


def program(pid: int) -> str:
    """The command line of a process, with spaces between its words; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


@contextmanager
def goes_on(services: Services, output: str, job: jobs.Job, batches: int = 2) -> Iterator[None]:
    """What happens inside does not stop the job: it publishes this many batches after it."""
    yield
    before = len(jobs.batches(services, output))
    jobs.await_batches(services, output, before + batches, job, 90)


def end(job: jobs.Job) -> None:
    """SIGTERM: the job ends in order, or says that its backlog took too long, as a receiver's may
    on a crowded machine."""
    job.process.send_signal(signal.SIGTERM)
    assert job.ended(120) == 0 or "the stop took too long" in job.said(), job.said()


def listens_on(pid: int) -> set[str]:
    """The addresses on which a process accepts connections."""
    inodes = {
        link.readlink().name.removeprefix("socket:[").rstrip("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                word = fields[1].partition(":")[0][-8:]
                found.add(".".join(str(byte) for byte in reversed(bytes.fromhex(word))))
    return found
