"""Attacks on a running pipeline, and the judgement after it. One seed gives one schedule.

A round starts the job as its supervisor would, lets one fault happen, and checks that the job ended or went on as it may.
Load goes on all the time, and a reader looks at what is published all the time. At the end: heal, drain, audit.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from consumers import fail_points
from tests import jobs
from tests.conftest import ROOT, Services, wait_until

RECOVERY_S = 60.0  # from the start after a fault to the next published batch
LOAD = 150  # tweets a second


class Reader:
    """Looks at the published batches again and again; whatever it sees must be whole at first sight, and stay as it is."""

    def __init__(self, services: Services, output: str) -> None:
        self.services, self.output = services, output
        self.seen: dict[str, dict[str, Any]] = {}
        self.partial: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            try:
                for name in jobs.batches(self.services, self.output):
                    if name not in self.seen:
                        self.seen[name] = self._look(name)
            except OSError:
                pass  # the NameNode is away: there is nothing to see
            except Exception as error:  # whatever a reader may meet is the test's finding
                self.partial.append(repr(error))

    def _look(self, name: str) -> dict[str, Any]:
        """The batch's manifest, after comparing it with the files there."""
        folder = f"{jobs.path_of(self.output)}/batches/{name}"
        with self.services.files.read(f"{folder}/_manifest.json") as file:
            manifest: dict[str, Any] = json.load(file)
        for part in manifest["files"]:
            length = self.services.files.status(f"{folder}/{part['path']}")["length"]
            if length != part["bytes"]:
                self.partial.append(f"{name}/{part['path']} has {length} bytes, the manifest says {part['bytes']}")
        return manifest


@contextmanager
def load(services: Services, topic: str, ledger: Path) -> Iterator[None]:
    """The producer publishing all the time; at the end it flushes and stops."""
    command = [sys.executable, "-m", "producer", "--source", "sample", "--topic", topic, "--rate", str(LOAD)]
    command += ["--malformed", "0.02", "--ledger", str(ledger), "--report", str(ledger.with_suffix(".report"))]
    environ = {**os.environ, **services.environ}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: ledger.exists() and ledger.stat().st_size, 30, "the producer publishes")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == 0, "the producer was under no attack"


class DriverKills:
    """Rounds of killing one job's driver: at each fail point, and at random moments."""

    def __init__(self, services: Services, folder: Path, approach: str, topic: str, output: str, seed: int) -> None:
        self.services, self.folder, self.approach, self.topic, self.output = services, folder, approach, topic, output
        self.random = random.Random(seed)
        self.history: list[dict[str, Any]] = []
        services.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", data=b"", overwrite=True)

    def round(self, number: int) -> None:
        """One start of the job, ended by kill -9: every second time at a fail point, otherwise at a random moment."""
        before = len(jobs.batches(self.services, self.output))
        point = fail_points.NAMES[number // 2 % len(fail_points.NAMES)] if number % 2 == 0 else ""
        spec = ("--fail-point", f"{point}:{self.random.choice((1, 1, 2))}") if point else ()
        begun = time.monotonic()
        with jobs.started(
            self.services, self.folder, self.approach, self.topic, self.output, *jobs.slowly(self.approach, 300), *spec
        ) as job:
            if point:
                wait_until(
                    lambda: job.process.poll() is not None or self._progress(before, 3), RECOVERY_S, f"{point}: {job.said()}"
                )
                killed_itself = job.process.poll() is not None
                if not killed_itself:  # a point that this start did not come to, such as fencing a second predecessor
                    job.kill()
                assert job.process.returncode == -signal.SIGKILL, job.said()
            else:
                killed_itself = False
                delay = self.random.uniform(2, 14)
                wait_until(lambda: time.monotonic() - begun > delay or job.process.poll() is not None, 30, "the moment has come")
                assert job.process.poll() is None, job.said()
                job.kill()
        published = len(jobs.batches(self.services, self.output)) - before
        self.history.append({
            "round": number, "fault": point or "random", "at_point": killed_itself, "seconds": round(time.monotonic() - begun, 1),
            "batches": published,
        })  # fmt: skip

    def _progress(self, before: int, batches: int) -> bool:
        return len(jobs.batches(self.services, self.output)) >= before + batches

    def recover(self) -> float:
        """Drain the topic after the last fault; seconds from the start to the first published batch."""
        before = len(jobs.batches(self.services, self.output))
        begun = time.monotonic()
        arguments = ("--available-now", *jobs.slowly(self.approach, 300))
        with jobs.started(self.services, self.folder, self.approach, self.topic, self.output, *arguments) as job:
            wait_until(lambda: self._progress(before, 1) or job.process.poll() is not None, RECOVERY_S, f"recovery: {job.said()}")
            seconds = time.monotonic() - begun
            assert job.ended(300) == 0, job.said()
        return round(seconds, 1)


def run(services: Services, folder: Path, approach: str, topic: str, output: str, rounds: int, seed: int) -> dict[str, Any]:
    """The whole attack; returns the figures and leaves history, ledger and logs in `folder`."""
    attack = DriverKills(services, folder, approach, topic, output, seed)
    ledger = folder / "ledger.jsonl"
    with Reader(services, output) as reader:
        with load(services, topic, ledger):
            for number in range(rounds):
                attack.round(number)
                (folder / "history.json").write_text(json.dumps({"seed": seed, "rounds": attack.history}, indent=1))
        recovery_s = attack.recover()
    assert not reader.partial, reader.partial[:5]
    verdict = jobs.audit(services, topic, output, "--ledger", str(ledger))
    faults = Counter(entry["fault"] for entry in attack.history)
    return {"approach": approach, "seed": seed, "kills": rounds, "faults": faults, "recovery_s": recovery_s, "audit": verdict}
