"""What the experiments share: topics and outputs of their own, and the programs that a reader would
type, started and killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition

from config import settings
from config.errors import ConfigError, PipelineError
from config.venv import PYTHON, ROOT

HOST = "127.0.0.1"
LONGEST_S = 600.0
AGAIN = re.compile(r"(\d+) records were delivered again")


class Lab:
    """One run of one experiment, on the services that `scripts/services` runs here. Close it."""

    def __init__(self, name: str, short: bool) -> None:
        ports = settings.load("services", [])
        if ports.secure:
            raise ConfigError(
                "the experiments want services without Kerberos and TLS",
                str(ports.services_home),
                "unset TWEETS_SECURE",
            )
        self.short = short
        self.topic = f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        self.bootstrap = f"{HOST}:{ports.kafka_port}"
        self.webhdfs = f"http://{HOST}:{ports.namenode_http_port}"
        self.outputs = f"hdfs://{HOST}:{ports.namenode_port}/experiments/{self.topic}"
        self.folder = ROOT / ".run" / "experiments" / self.topic
        self.folder.mkdir(parents=True)
        self.environ = {
            **os.environ,
            "TWEETS_BOOTSTRAP": self.bootstrap,
            "TWEETS_WEBHDFS": self.webhdfs,
            "PYTHONUNBUFFERED": "1",
        }
        if subprocess.run([ROOT / "scripts" / "services", "start"], check=False).returncode:
            raise PipelineError("the services did not start", "", "scripts/services status")
        self.admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)

    def close(self) -> None:
        """Leave the services as they are; topic, output and logs stay for the reader."""
        self.admin.close()
        say(f"kept: topics {self.topic}*, {self.outputs}, logs in {self.folder}")

    def make_topic(self, suffix: str = "", partitions: int = 3) -> str:
        """The name of a new topic of this run."""
        name = f"{self.topic}{suffix}"
        layout = {"num_partitions": partitions, "replication_factor": 1}
        self.admin.create_topics({name: layout}, wait_for_metadata=True)
        return name

    def offsets(self, topic: str) -> dict[int, int]:
        """The end of each partition of the topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            parts = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            return {part.partition: end for part, end in consumer.end_offsets(parts).items()}
        finally:
            consumer.close()

    def size(self, long: int, short: int) -> int:
        """The number for this form of the experiment."""
        return short if self.short else long

    def publish(self, topic: str, count: int) -> None:
        """Publish invented tweets with the producer; returns when all are acknowledged."""
        say(f"publishing {count} tweets to {topic}")
        command = [PYTHON, "-m", "producer", "--source", "sample", "--topic", topic]
        self._done("producer", [*command, "--max-posts", str(count)])

    @contextmanager
    def publishing(self, topic: str, rate: int) -> Iterator[None]:
        """Tweets keep coming meanwhile, `rate` per second; at the end all are acknowledged."""
        command = [PYTHON, "-m", "producer", "--source", "sample", "--topic", topic]
        producer = self.start("producer", [*command, "--max-posts", "0", "--rate", str(rate)])
        try:
            yield
        finally:
            producer.stop()

    def output(self, name: str) -> str:
        """The address of an output of this run, marked as one at which a driver may be killed at a
        named point."""
        path = f"/experiments/{self.topic}/{name}"
        user = f"user.name={os.environ.get('HADOOP_USER_NAME') or os.environ.get('USER', 'root')}"
        mark = f"{self.webhdfs}/webhdfs/v1{path}/_test_output?op=CREATE&noredirect=true&{user}"
        with urllib.request.urlopen(urllib.request.Request(mark, method="PUT")) as answer:
            at = json.load(answer)["Location"]  # the DataNode's, which takes the content
        with urllib.request.urlopen(urllib.request.Request(at, data=b"", method="PUT")):
            pass
        return f"{self.outputs}/{name}"

    def job(
        self, approach: str, topic: str, output: str, *arguments: str, spark: Sequence[str] = ()
    ) -> "Program":
        """Start a job as `scripts/submit` does."""
        places = ["--topic", topic, "--output", output]
        submit = [ROOT / "scripts" / "submit", *spark, approach]
        return self.start(approach, [*submit, *places, *arguments])

    def drain(self, approach: str, topic: str, output: str, *arguments: str) -> "Program":
        """Run a job to the end of the topic. A checkpoint wants the arguments it was made with."""
        job = self.job(approach, topic, output, "--available-now", *arguments)
        code = job.ended()
        if code:
            raise PipelineError(f"{approach} ended with {code}", str(job.log), "read its log")
        return job

    def audit(self, topic: str, output: str) -> dict[str, Any]:
        """The judge's counts; findings are counts too."""
        command = [ROOT / "scripts" / "audit.py", "--topic", topic, "--output", output, "--json"]
        done = subprocess.run(
            list(map(str, command)), env=self.environ, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):
            raise PipelineError(f"no verdict: {done.stderr.strip()}", output, "scripts/audit.py")
        verdict: dict[str, Any] = json.loads(done.stdout)
        return verdict

    def start(self, name: str, command: Sequence[Any]) -> "Program":
        """A program under way, its output in a file of the run's folder."""
        log = self.folder / f"{len(list(self.folder.glob('*.log'))):02}-{name}.log"
        say(f"$ {' '.join(shown(word) for word in command)}")
        return Program(list(map(str, command)), log, self.environ)

    def _done(self, name: str, command: Sequence[Any]) -> None:
        program = self.start(name, command)
        if program.ended():
            raise PipelineError(f"{name} failed", str(program.log), "read its log")


class Program:
    """A started program. spark-submit becomes the driver's JVM, so its pid is that JVM's."""

    def __init__(self, command: list[str], log: Path, environ: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def said(self) -> str:
        """Everything that it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def delivered_again(self) -> int:
        """How many records it was given that were published already."""
        return sum(map(int, AGAIN.findall(self.said())))

    def until(self, condition: Callable[[str], Any], what: str) -> None:
        """Wait until what it has said fulfils the condition; raises PipelineError when it ends
        before."""
        end = time.monotonic() + LONGEST_S
        while not condition(self.said()):
            if self.process.poll() is not None or time.monotonic() > end:
                tail = self.said()[-600:]
                raise PipelineError(f"it did not come to this: {what}\n{tail}", str(self.log))
            time.sleep(0.1)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            return self.process.wait(LONGEST_S)
        finally:
            self._kill_group()

    def stop(self) -> int:
        """End it in order, as Ctrl-C does; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.ended()

    def kill(self) -> None:
        """kill -9 of the JVM, and of what it started."""
        self.process.kill()
        self.process.wait()
        self._kill_group()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def say(line: str) -> None:
    """Talk goes to standard error, the table to standard output."""
    print(line, file=sys.stderr, flush=True)


def shown(word: Any) -> str:
    """A word of a command as a reader in the repository would type it."""
    return str(word).removeprefix(f"{ROOT}/")


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows, which have the same columns, as a table of text."""
    cells = [list(map(str, rows[0])), *(list(map(str, row.values())) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    sys.stdout.flush()


def unused_port() -> int:
    """A port of this machine on which no program listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def pause(seconds: float) -> None:
    """Let the experiment run on for a while."""
    threading.Event().wait(seconds)
