"""Running the two jobs as a user does, with `scripts/submit`, and asking the audit what they
published."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import HOST, PATIENCE, ROOT, Services, wait_until
from tests.kit.producing import produce

APPROACHES = ("direct", "receiver_based")
# both in `make test-fault`, the one with more to lose in `make test`
RECEIVER_AT_LEAST = (pytest.param("direct", marks=pytest.mark.long), "receiver_based")
# in every job's environment, as beside a producer; it must be nowhere
X_TOKEN = "canary-e1c07b5d92"
FINDINGS = ("lost", "duplicated", "invented", "corrupted", "unseen", "chain_errors")


def slowly(approach: str, rate: int) -> tuple[str, ...]:
    """Settings for small batches: one per second, of `rate` records of a topic with three
    partitions."""
    return (
        "--batch-interval-s",
        "1",
        "--max-rate",
        str(rate // 3 if approach == "direct" else rate),
    )


@dataclass
class Job:
    """A job under way. spark-submit becomes the driver's JVM, so `process.pid` is that JVM's; `log`
    holds all it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Everything on its standard output and error so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ended(self, seconds: float) -> int:
        """Its exit code; fails the test when it has none within this many seconds."""
        self.until(lambda: self.process.poll() is not None, seconds, "the job ends")
        return int(self.process.returncode)

    def until(self, condition: Callable[[], Any], seconds: float, message: str) -> None:
        """`wait_until`, but when it fails the test it shows what the job has said by then."""
        try:
            wait_until(condition, seconds, message)
        except pytest.fail.Exception as failure:
            pytest.fail(f"{failure.msg}\n{self.said()[-4000:]}")

    def workers(self) -> list[int]:
        """The pids of its Python workers: what its daemon has forked."""
        table = subprocess.run(
            ["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        lines = [line.split(None, 2) for line in table.splitlines()]
        daemons = {
            pid
            for pid, parent, args in lines
            if int(parent) == self.process.pid and "daemon pyspark.worker" in args
        }
        return [int(pid) for pid, parent, _ in lines if parent in daemons]

    def kill(self) -> None:
        """`kill -9` of the driver's JVM; returns when that and every process it had started are
        gone."""
        family = descendants(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_until(
            lambda: not [pid for pid in family if alive(pid)],
            30,
            f"the killed driver's processes {family} end too",
        )


def default_ctrl_c() -> None:
    """A shell's background jobs ignore SIGINT, and so does what they start: this test run may be
    one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(
    services: Services,
    folder: Path,
    approach: str,
    topic: str,
    output: str,
    *arguments: str,
    spark: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Iterator[Job]:
    """The job under way, its log in `folder`; `arguments` are its settings, `spark` spark-submit's
    options. Killed at the end."""
    command = [
        str(ROOT / "scripts" / "submit"),
        *spark,
        approach,
        "--topic",
        topic,
        "--output",
        output,
        *arguments,
    ]
    log = folder / f"{approach}-{len(list(folder.glob('*.log')))}.log"
    with log.open("wb") as file:
        environment = {
            **os.environ,
            **services.environ,
            "TWEETS_X_BEARER_TOKEN": X_TOKEN,
            **(environ or {}),
        }
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=default_ctrl_c,
        )
    try:
        yield Job(process, log)
    finally:
        if process.poll() is None:
            family = descendants(process.pid)
            process.kill()
            for pid in family:  # a supervisor's job has a session of its own
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()


def run_job(
    services: Services,
    folder: Path,
    approach: str,
    topic: str,
    output: str,
    *arguments: str,
    expect: int = 0,
) -> str:
    """Run the job up to the ends its topics have at the start (`--available-now`); returns what it
    said."""
    with started(services, folder, approach, topic, output, "--available-now", *arguments) as job:
        assert job.ended(120) == expect, job.said()
        return job.said()


def audit(
    services: Services, topic: str, output: str, *arguments: str, expect: int = 0
) -> dict[str, Any]:
    """The audit's verdict on an output; fails the test when its exit code is not `expect` (0:
    clean)."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "audit.py"),
        "--topic",
        topic,
        "--output",
        output,
        "--json",
        *arguments,
    ]
    command += ["--bootstrap", services.bootstrap, "--webhdfs", services.webhdfs]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120 * PATIENCE, check=False
    )
    assert done.returncode == expect, f"{done.stdout}{done.stderr}"
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def publish(services: Services, topic: str, count: int, *arguments: str) -> None:
    """Publish `count` invented tweets by the producer's `sample` source; `arguments` are
    its settings."""
    produce(services, "--source", "sample", "--topic", topic, "--max-posts", str(count), *arguments)


def new_topic(admin: KafkaAdminClient, partitions: int) -> str:
    """The name of a new topic with this many partitions; it goes with the services."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    admin.create_topics(
        {name: {"num_partitions": partitions, "replication_factor": 1}}, wait_for_metadata=True
    )
    return name


def path_of(output: str) -> str:
    """The path of an output on its file system."""
    return urlsplit(output).path


def stored(services: Services, output: str) -> dict[str, bytes]:
    """Every file below the output, checkpoint and write-ahead log too, by its path; unpacked."""
    found = {}
    for folder, _, files in services.files.walk(path_of(output)):
        for name in files:
            with services.files.read(f"{folder}/{name}") as reader:
                data: bytes = reader.read()
            found[f"{folder}/{name}"] = gzip.decompress(data) if name.endswith(".gz") else data
    return found


def batches(services: Services, output: str) -> list[str]:
    """The published batches in order, as SHARD/BATCH."""
    folder = f"{path_of(output)}/batches"
    shards = (
        sorted(services.files.list(folder)) if services.files.status(folder, strict=False) else []
    )
    return [
        f"{shard}/{name}"
        for shard in shards
        for name in sorted(services.files.list(f"{folder}/{shard}"))
    ]


def checkpoint_of(services: Services, output: str) -> str:
    """The path of the receiver job's checkpoint where it is left to the job."""
    with services.files.read(f"{path_of(output)}/_identity.json") as reader:
        return f"{path_of(output)}/_checkpoint/{json.load(reader)['identity']}"


def await_batches(
    services: Services, output: str, number: int, job: Job, seconds: float = 60
) -> None:
    """Wait until this many batches are published, while the job runs."""

    def there() -> bool:
        if job.process.poll() is not None:
            pytest.fail(f"the job ended with {job.process.returncode} before that")
        return len(batches(services, output)) >= number

    job.until(there, seconds, f"{number} batches are published")


def manifests(services: Services, output: str) -> list[dict[str, Any]]:
    """The manifest of every published batch, in order."""
    found = []
    for name in batches(services, output):
        with services.files.read(f"{path_of(output)}/batches/{name}/_manifest.json") as reader:
            found.append(json.load(reader))
    return found


def published_records(services: Services, output: str) -> int:
    """How many records are published, by the manifests' counts."""
    return sum(sum(manifest["counts"].values()) for manifest in manifests(services, output))


def rows(services: Services, output: str, kind: str) -> list[dict[str, Any]]:
    """All published lines of a kind (tweets or rejected)."""
    found = []
    for name in batches(services, output):
        folder = f"{path_of(output)}/batches/{name}/{kind}"
        for file in services.files.list(folder):
            with services.files.read(f"{folder}/{file}") as reader:
                found += [json.loads(line) for line in gzip.decompress(reader.read()).splitlines()]
    return found


def descendants(pid: int) -> list[int]:
    """The pids of a process's children, their children, and so on."""
    table = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in table.splitlines()]
    found = [pid]
    for member in found:
        found += [child for child, parent in parents if parent == member]
    return found[1:]


def alive(pid: int) -> bool:
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def unused_port() -> int:
    """A port on which no program listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
