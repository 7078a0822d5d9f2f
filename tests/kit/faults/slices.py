"""One slice of an attack, from the new topic to the verdict, and the file with its figures.

A slice is one topic, one producer, both jobs on an output each, and a number of kills of one kind.
Load and a reader of what is published never stop. At the end: heal, drain, audit.
"""

import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from consumers.output import fail_points
from tests.conftest import ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.faults import attacks
from tests.kit.faults.chaos import LIMIT_S, Runner, at_once, pause
from tests.kit.faults.watching import LOAD, load

SEED = int(os.environ.get("FAULT_SEED", "1"))
KILLS = int(os.environ.get("FAULT_ROUNDS", "25"))  # of one slice
FOLDER = ROOT / "build" / "fault"


class Slice:
    """Both jobs under one kind of attack; `figures` is what the results file keeps."""

    def __init__(self, services: Services, topic: str, kind: str, turn: int, test: str) -> None:
        self.services, self.topic, self.kind, self.turn, self.seed = (
            services,
            topic,
            kind,
            turn,
            SEED * 1000 + turn,
        )
        self.name = f"{kind}-{self.seed}"
        self.folder = FOLDER / self.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.random = random.Random(self.seed)
        self.again = f"FAULT_SEED={SEED} FAULT_ROUNDS={KILLS} .venv/bin/python -m pytest '{test}'"
        self.runners = [
            Runner(
                services,
                self.folder / approach,
                approach,
                topic,
                f"{services.hdfs}/fault/{topic}/{approach}",
                self.seed,
            )
            for approach in jobs.APPROACHES
        ]
        self.figures: dict[str, Any] = {
            "kind": kind,
            "seed": self.seed,
            "again": self.again,
            "load_per_s": LOAD,
            "limit_s": LIMIT_S,
            **where(),
        }
        print(f"{self.name}: {self.again}")

    def run(self, attack: Callable[["Slice"], None]) -> None:
        """Attack under load, heal, drain, judge. Whatever happens, the figures are written; a
        failure keeps all logs."""
        begin = time.monotonic()
        try:
            with load(self.services, self.topic, self.folder, self.seed):
                attack(self)
                end = time.monotonic()
            at_once(*(runner.drain for runner in self.runners))
            self._judge(begin, end)
        except BaseException as failure:
            self.figures["failure"] = str(failure).replace(f"{ROOT}/", "")[:2000]
            raise AssertionError(
                f"{self.name} (all of it is in {self.folder}): {failure}\nagain: {self.again}"
            ) from failure
        finally:
            for runner in self.runners:
                runner.reader.stop()
            self._history(begin)
            (FOLDER / "results").mkdir(exist_ok=True)
            (FOLDER / "results" / f"{self.name}.json").write_text(
                json.dumps(self.figures, indent=1)
            )
        for runner in self.runners:
            shutil.rmtree(runner.folder)  # the logs of what went well

    def _judge(self, begin: float, end: float) -> None:
        self.figures.update(seconds=round(end - begin), jobs={})
        for runner in self.runners:
            figures = runner.figures(begin, end)
            self.figures["jobs"][runner.approach] = figures
            runner.reader.stop()
            assert not runner.reader.partial, runner.reader.partial[:5]
            audit = jobs.audit(
                self.services,
                self.topic,
                runner.output,
                "--ledger",
                str(self.folder / "ledger.jsonl"),
            )
            figures["audit"] = {
                kind: audit[kind] for kind in ("in_kafka", "published", "batches", *jobs.FINDINGS)
            }
            assert len(runner.reader.seen) == audit["batches"], "the reader has seen each batch"
            staged = self.services.files.list(
                f"{jobs.path_of(runner.output)}/_staging", status=True
            )
            left = [
                name
                for name, status in staged
                if status["type"] == "DIRECTORY" and status["childrenNum"]
            ]
            assert not left, f"staging of {left} is left behind"
            assert audit["published"] == audit["in_kafka"] > 10 * len(runner.faults) > 0, (
                "an idle pipeline loses nothing either"
            )
            if runner.approach == "direct":
                assert figures["delivered_again"] == 0, "the direct job reads nothing twice"

    def _history(self, begin: float) -> None:
        def rows(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            times = {"at", "begun"}
            return [
                {k: round(v - begin, 2) if k in times else v for k, v in entry.items()}
                for entry in entries
            ]

        history = {
            r.approach: {"faults": rows(r.faults), "starts": rows(r.starts)} for r in self.runners
        }
        (self.folder / "history.json").write_text(
            json.dumps({"seed": self.seed, **history}, indent=1)
        )


def kill_drivers(attack: Slice) -> None:
    """kill -9 of both drivers: every second time at the next fail point, otherwise at a random
    moment."""
    numbers = range(attack.turn * KILLS, (attack.turn + 1) * KILLS)
    points = fail_points.OF_A_DRIVER
    moments = ["" if number % 2 else points[number // 2 % len(points)] for number in numbers]
    at_once(*(lambda runner=runner: runner.kill_drivers(moments) for runner in attack.runners))


def kill_drivers_where_it_hurts(attack: Slice) -> None:
    """The same at four fail points only: a fence half made, half a manifest, and both sides of the
    rename."""
    moments = ["before rename", "staging taken", "manifest written", "after rename"]
    at_once(*(lambda runner=runner: runner.kill_drivers(moments) for runner in attack.runners))


def kill_workers(attack: Slice) -> None:
    """kill -9 of one Python worker after the other, below both drivers, which have to go on by
    themselves."""

    def kill(runner: Runner) -> None:
        for _ in range(KILLS):
            # beyond what the last one has cost: a task is tried twice, and not a third time
            runner.await_progress()
            pause(runner.random.uniform(0, 2))
            workers = wait_until(
                lambda: runner.job and runner.job.workers(), LIMIT_S, "there is a worker"
            )
            os.kill(runner.random.choice(workers), 9)
            fault = runner.fault("worker")
            runner.await_batch(fault, fault["at"])
        assert not [start for start in runner.starts if start["code"]], (
            f"the driver had to be started again: {runner.folder}"
        )

    _while_kept(
        attack, lambda: at_once(*(lambda runner=runner: kill(runner) for runner in attack.runners))
    )


def kill_service(attack: Slice) -> None:
    """kill -9 of a service under both running jobs, and its start; recovered is who publishes after
    it is ready again."""

    def kills() -> None:
        for _ in range(KILLS):
            for runner in attack.runners:
                runner.await_progress()
            pause(attack.random.uniform(0, 2))
            faults = [runner.fault(attack.kind) for runner in attack.runners]
            attacks.kill_service(attack.services, attack.kind)
            attack.services.run("start", attack.kind)
            ready = time.monotonic()
            for runner, fault in zip(attack.runners, faults, strict=True):
                fault["ready_s"] = round(ready - fault["at"], 2)
                runner.await_batch(fault, ready)

    _while_kept(attack, kills)


def _while_kept(attack: Slice, kills: Callable[[], None]) -> None:
    leaving = threading.Event()

    def attacking() -> None:
        try:
            kills()
        finally:
            leaving.set()

    at_once(attacking, *(lambda runner=runner: runner.keep(leaving) for runner in attack.runners))


def where() -> dict[str, Any]:
    """When, and of which commit."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": git.stdout.strip() or "no git",
    }
