"""A job with a seeded bug or fault in it, or as it is, that a test kills, holds, and drains."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.faults import chaos
from tests.kit.jobs import Job

SCRIPT = str(ROOT / "tests" / "kit" / "faults" / "seeded_bugs.py")
STALLED_S = 45.0  # a bug may keep a job from ever coming to its ends


@dataclass
class Trial:
    """One bug, one job, one output."""

    services: Services
    folder: Path
    bug: str
    approach: str
    topic: str
    output: str
    settings: tuple[str, ...]  # the same at each start, for a checkpoint keeps to them

    @contextmanager
    def job(self, *arguments: str) -> Iterator[Job]:
        """The job with the bug in it, under way."""
        place = (self.services, self.folder, self.approach, self.topic, self.output)
        with jobs.started(
            *place, *self.settings, *arguments, spark=(SCRIPT, self.bug), environ=chaos.ENVIRON
        ) as job:
            yield job

    def drain(self) -> None:
        """Run the job to the topic's ends, or to its own end, or until it does nothing more."""
        with self.job("--available-now") as job:
            job.until(
                lambda: job.process.poll() is not None or "next batch" in job.said(),
                240,
                "the job begins",
            )
            while job.process.poll() is None and self._goes_on(job):
                pass
            if job.process.poll() is None:
                job.process.send_signal(signal.SIGTERM)
                job.ended(240)

    def _goes_on(self, job: Job) -> bool:
        """Whether the job ends or publishes a batch within STALLED_S."""
        before = self.published()
        try:
            wait_until(
                lambda: job.process.poll() is not None or self.published() > before, STALLED_S, ""
            )
        except pytest.fail.Exception:
            return False
        return True

    def published(self) -> int:
        return len(jobs.batches(self.services, self.output))

    def path(self, name: str) -> str:
        return f"{jobs.path_of(self.output)}/{name}"

    def entries(self, name: str) -> list[str]:
        """The names in a folder below the output; none where it is not there."""
        files = self.services.files
        return (
            sorted(files.list(self.path(name)))
            if files.status(self.path(name), strict=False)
            else []
        )


def tear_log(services: Services, folder: str) -> None:
    """Tear the newest file of a write-ahead log."""
    files = services.files
    newest = max(
        files.list(folder), key=lambda n: files.status(f"{folder}/{n}")["modificationTime"]
    )
    tear(services, f"{folder}/{newest}")


def tear(services: Services, path: str) -> None:
    """Cut a file to half its length."""
    with services.files.read(path) as reader:
        content = reader.read()
    assert len(content) > 1, f"there is something to tear in {path}"
    services.files.write(path, data=content[: len(content) // 2], overwrite=True)


@contextmanager
def supervised(
    services: Services, folder: Path, approach: str, topic: str, output: str, *arguments: str
) -> Iterator[Job]:
    """The job under way with its supervisor, whose process `Job` is; at the end both are gone,
    whichever had been killed."""
    with jobs.started(
        services, folder, approach, topic, output, *arguments, spark=("--supervise",)
    ) as job:
        family: set[int] = set()
        job.until(
            lambda: family.update(below(job.process.pid, "java")) or family,
            60,
            "the supervisor starts the job",
        )
        try:
            yield job
        finally:
            for pid in family.union(below(job.process.pid, "java")):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def below(pid: int, word: str) -> list[int]:
    """The living processes below this one, however deep, with `word` in their command line."""
    table = subprocess.run(
        ["ps", "-eww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(None, 3) for line in table.splitlines()]
    family = {str(pid)}
    while grown := {child for child, parent, *_ in lines if parent in family} - family:
        family |= grown
    return [
        int(child)
        for child, _, stat, args in lines
        if child in family - {str(pid)} and stat[0] != "Z" and word in args
    ]
