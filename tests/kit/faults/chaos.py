"""One job under attack: started again and again, each fault noted with its recovery. One seed gives
one schedule."""

import math
import os
import random
import re
import signal
import threading
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from consumers.output import fail_points
from monitoring import supervisor
from tests.conftest import Services, wait_until
from tests.kit import jobs
from tests.kit.faults.watching import Reader

# from a fault to the next published batch; a crowded machine needs more
LIMIT_S = float(os.environ.get("FAULT_LIMIT_S", "180"))
RATE = 600  # records a batch of one second: what a killed driver missed is made up quickly
# Without backpressure, which settles at a trickle where a driver lives for seconds on a crowded
# machine.
SPARK = ("--conf", "spark.ui.enabled=false", "--conf", "spark.streaming.backpressure.enabled=false")
# A driver that lives for seconds is started cheaply: no second compiler, no parallel collector, and
# no numba. Nothing of the protocol changes by that; drivers that live on have numba.
ENVIRON = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
WITHOUT_NUMBA = {"PYTHONPATH": str(Path(__file__).with_name("without_numba"))}
AGAIN = re.compile(r"(\d+) records were delivered again")


class Runner:
    """One job on its output, started again and again; what became of each start, and each fault
    with its recovery."""

    def __init__(
        self, services: Services, folder: Path, approach: str, topic: str, output: str, seed: int
    ) -> None:
        self.services, self.folder, self.approach, self.topic, self.output = (
            services,
            folder,
            approach,
            topic,
            output,
        )
        folder.mkdir(parents=True)
        self.random = random.Random(f"{approach} {seed}")
        self.reader = Reader(services, output)
        self.reader.start()
        self.environ = ENVIRON
        self.job: jobs.Job | None = None
        self.starts: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        services.files.write(f"{jobs.path_of(output)}/{fail_points.MARK}", data=b"", overwrite=True)

    def once(self, act: Callable[[jobs.Job], Any], *arguments: str) -> int:
        """One start of the job: `act` on it, then wait for its end; returns its exit code."""
        begun = time.monotonic()
        arguments = (*jobs.slowly(self.approach, RATE), *arguments)
        with jobs.started(
            self.services,
            self.folder,
            self.approach,
            self.topic,
            self.output,
            *arguments,
            spark=SPARK,
            environ=self.environ,
        ) as job:
            self.job = job
            act(job)
            code = job.process.wait(LIMIT_S)
        self.starts.append({
            "begun": begun, "seconds": round(time.monotonic() - begun, 1), "code": code,
            "log": job.log.name,
        })  # fmt: skip
        return code

    def fault(self, kind: str) -> dict[str, Any]:
        """Note a fault that happens now."""
        self.faults.append({"fault": kind, "at": time.monotonic()})
        return self.faults[-1]

    def kill_drivers(self, moments: Iterable[str]) -> None:
        """As many starts, each ended by kill -9: at a fail point, or where none is named at a
        random moment."""
        self.environ = {**ENVIRON, **WITHOUT_NUMBA}
        for point in moments:
            once_only = point in ("epoch claimed", "staging taken")  # a start comes by there once
            spec = (
                ("--fail-point", f"{point}:{1 if once_only else self.random.choice((1, 2, 2, 3))}")
                if point
                else ()
            )
            code = self.once(lambda job, point=point: self._kill(job, point), *spec)
            assert code == -signal.SIGKILL, self._said()

    def _kill(self, job: jobs.Job, point: str) -> None:
        begun, before = time.monotonic(), len(self.reader.seen)
        # while it starts; otherwise soon after its first batch
        early = not point and self.random.random() < 0.2
        delay = self.random.uniform(0, 12 if early else 2)

        def ripe() -> bool:
            if early:
                return time.monotonic() - begun > delay
            return len(self.reader.seen) - before >= (5 if point else 1)

        job.until(
            lambda: job.process.poll() is not None or ripe(),
            LIMIT_S,
            f"{point or 'a batch'}: the moment has come",
        )
        if not point and not early:
            pause(delay)
        alive = job.process.poll() is None
        kind = f"not come to: {point}" if alive else point
        self.fault(kind if point else "random, starting" if early else "random")
        if alive:
            job.kill()

    def recoveries(self) -> list[float]:
        """For each fault that the next start recovered from: how long after it the next batch was
        published (s)."""
        for fault, start, after in zip(
            self.faults, self.starts[1:], [*self.starts[2:], {"begun": math.inf}], strict=False
        ):
            published = self.reader.after(start["begun"])
            if "recovered_s" not in fault and published and published < after["begun"]:
                fault["recovered_s"] = round(published - fault["at"], 2)
        return [fault["recovered_s"] for fault in self.faults if "recovered_s" in fault]

    def keep(self, leaving: threading.Event) -> None:
        """Start the job again whenever it ends, as its supervisor does, until leaving."""
        while not leaving.is_set():
            code = self.once(lambda job: self._stay(job, leaving))
            assert leaving.is_set() or code not in supervisor.FOR_GOOD, self._said()
            assert code != 1 or "\nerror: " in (self.job.said() if self.job else ""), (
                f"no reason given: {self._said()}"
            )

    def _stay(self, job: jobs.Job, leaving: threading.Event) -> None:
        while job.process.poll() is None and not leaving.wait(0.1):
            pass
        if job.process.poll() is None:
            job.process.send_signal(signal.SIGTERM)
        else:
            leaving.wait(supervisor.FIRST_PAUSE_S)

    def await_progress(self) -> None:
        """Wait until the job, as it now runs, has published two batches."""
        before = len(self.reader.seen)
        wait_until(
            lambda: len(self.reader.seen) >= before + 2, LIMIT_S, f"{self.approach} publishes"
        )

    def await_batch(self, fault: dict[str, Any], since: float) -> None:
        """Wait for the first batch published after `since`, and note how long after the fault it
        came."""
        wait_until(
            lambda: self.reader.after(since), LIMIT_S, f"{self.approach} goes on after {fault}"
        )
        fault["recovered_s"] = round((self.reader.after(since) or 0) - fault["at"], 2)

    def _starts_that_published(self) -> int:
        begins = [start["begun"] for start in self.starts]
        return len({bisect(begins, at) for at in self.reader.seen.values()} - {0})

    def drain(self) -> None:
        """Publish what is left on the topic; the last fault recovers here."""
        code = self.once(lambda job: job.ended(2 * LIMIT_S), "--available-now")
        assert code == 0, self._said()

    def _said(self) -> str:
        return f"{self.job.log}:\n{self.job.said()[-4000:]}" if self.job else ""

    def figures(self, begin: float, end: float) -> dict[str, Any]:
        """What the results file keeps of this job; all times in seconds."""
        said = "".join(log.read_text(errors="replace") for log in self.folder.glob("*.log"))
        return {
            "faults": dict(Counter(fault["fault"] for fault in self.faults)),
            "recovered_s": self.recoveries(),
            "starts": len(self.starts),
            "starts_that_published": self._starts_that_published(),
            "ended_by_itself": dict(
                Counter(
                    str(s["code"]) for s in self.starts if s["code"] not in (0, -signal.SIGKILL)
                )
            ),
            "longest_gap_s": round(self.reader.longest_gap(begin, end), 1),
            "delivered_again": sum(map(int, AGAIN.findall(said))),
            "partial": len(self.reader.partial),
            "service_away_s": [fault["ready_s"] for fault in self.faults if "ready_s" in fault],
        }


def pause(seconds: float) -> None:
    """Part of a schedule, not a wait for anything."""
    threading.Event().wait(seconds)


def at_once(*calls: Callable[[], Any]) -> None:
    """All of these at the same time; raises what the first of them raises."""
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(call) for call in calls]:
            try:
                future.result()
            except pytest.fail.Exception as failure:
                raise AssertionError(failure.msg) from None
