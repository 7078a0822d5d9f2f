"""What the fault tests share: a job on a line that can be attacked, services ended the hard way,
and the judgement."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hdfs.util import HdfsError
from kafka import KafkaConsumer, TopicPartition

from consumers.output import fail_points
from local import jars, jdk
from tests.conftest import HOST, ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.faults.proxy import Proxy
from tests.kit.faults.watching import Reader
from tests.kit.other_spark import spark_home

# Hadoop's client gives up at once
OWN_RETRIES = ("--conf", "spark.hadoop.dfs.client.retry.policy.enabled=false")
RATE = 150  # records a second, and so a batch


@dataclass
class Attack:
    """One topic with `records` records, one output, and the line between the job and the
    NameNode."""

    services: Services
    folder: Path
    approach: str
    topic: str
    output: str
    records: int
    line: Proxy

    @property
    def address(self) -> str:
        """The output, through the line."""
        return f"hdfs://{HOST}:{self.line.port}{jobs.path_of(self.output)}"

    def started(
        self, *arguments: str, approach: str = "", output: str = "", spark: Sequence[str] = ()
    ) -> AbstractContextManager[jobs.Job]:
        """The job in small batches, its NameNode calls through the line; or another one, or on a
        line of its own."""
        approach = approach or self.approach
        settings = (*jobs.slowly(approach, RATE), *arguments)
        return jobs.started(
            self.services,
            self.folder,
            approach,
            self.topic,
            output or self.address,
            *settings,
            spark=spark,
        )

    @contextmanager
    def supervised(self) -> Iterator[jobs.Job]:
        """The job under its supervisor; at the end it is stopped by SIGTERM and must end in
        order."""
        with self.started(spark=("--supervise",)) as job:
            yield job
            job.process.send_signal(signal.SIGTERM)
            assert job.ended(120) == 0, job.said()

    def batches(self) -> int:
        """How many are published."""
        return len(jobs.batches(self.services, self.output))

    def grows(self, job: jobs.Job, by: int = 1, seconds: float = 120) -> None:
        """Wait until this number of further batches is published."""
        jobs.await_batches(self.services, self.output, self.batches() + by, job, seconds)

    def all_published(self, job: jobs.Job, seconds: float = 120) -> None:
        """Wait until the whole topic is."""

        def all_there() -> bool:
            with suppress(HdfsError):  # a DataNode that is back has not told of its blocks yet
                return jobs.published_records(self.services, self.output) >= self.records
            return False

        job.until(all_there, seconds, "everything is published")

    def on_topic(self) -> int:
        """How many records are on the topic, of which none was ever deleted."""
        consumer = KafkaConsumer(bootstrap_servers=self.services.bootstrap)
        try:
            partitions = [
                TopicPartition(self.topic, number)
                for number in consumer.partitions_for_topic(self.topic)
            ]
            return sum(consumer.end_offsets(partitions).values())
        finally:
            consumer.close()


@contextmanager
def attacked(
    services: Services, folder: Path, approach: str, topic: str, output: str, records: int = 900
) -> Iterator[Attack]:
    """A topic full of tweets and a job's output to attack. A reader watches; at the end all is
    published, once and whole."""
    jobs.publish(services, topic, records, "--malformed", "0.02")
    services.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", data=b"", overwrite=True)
    reader = Reader(services, output)
    reader.start()
    try:
        with Proxy(services.namenode_port) as line:
            attack = Attack(services, folder, approach, topic, output, records, line)
            yield attack
    finally:
        reader.stop()
    assert not reader.partial, reader.partial[:5]
    verdict = jobs.audit(services, topic, output)
    assert verdict["published"] == attack.records
    assert len(reader.seen) == verdict["batches"], "the reader has seen each batch"


def kill_service(services: Services, name: str) -> None:
    """kill -9 of a service; it is gone when this returns."""
    pid = services.pid(name)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not jobs.alive(pid), 20, f"{name} is gone")


def java_jar(name: str, folder: Path) -> Path:
    """A jar in `folder` with a class of tests/on_spark/java, for Spark to use in place of its
    own."""
    source = ROOT / "tests" / "on_spark" / "java" / f"{name}.java"
    java = jdk.home() / "bin"
    subprocess.run(
        [java / "javac", "-nowarn", "-d", folder, "-cp", f"{spark_home()}/jars/*", source],
        check=True,
    )
    subprocess.run(
        [java / "jar", "cf", folder / f"{name}.jar", "-C", folder, f"{name}.class"], check=True
    )
    return folder / f"{name}.jar"


def dfsadmin(services: Services, *arguments: str) -> str:
    """`hdfs dfsadmin ARGUMENTS`; what it printed."""
    class_path = ":".join(map(str, jars.files("hdfs")))
    command = [
        str(jdk.home() / "bin" / "java"),
        "-cp",
        class_path,
        "org.apache.hadoop.hdfs.tools.DFSAdmin",
    ]
    done = subprocess.run(
        [*command, "-fs", services.hdfs, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
