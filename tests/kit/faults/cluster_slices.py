"""One slice of kills on a cluster under load: the driver continues, the reader never sees a part of
a batch, and the audit finds nothing. Figures: build/fault/cluster, one file per slice."""

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster, end
from tests.kit.faults import slices
from tests.kit.faults.chaos import AGAIN, LIMIT_S, RATE, pause
from tests.kit.faults.slices import KILLS, SEED
from tests.kit.faults.watching import LOAD, Reader, load
from tests.kit.jobs import audit, run_job, slowly

FOLDER = ROOT / "build" / "fault" / "cluster"
AUDITED = ("in_kafka", "published", "batches", *jobs.FINDINGS)
Kill = Callable[[Cluster, int], None]  # of something on this host


def run(
    cluster: Cluster, kind: str, kill: Kill, approach: str, topic: str, output: str, folder: Path
) -> None:
    """The figures are one more slice for `python -m tests.kit.faults.results`, which adds up all
    of them; a slice that fails is in there too, with its reason."""
    begin = time.monotonic()
    test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]
    again = f"FAULT_SEED={SEED} FAULT_ROUNDS={KILLS} .venv/bin/python -m pytest {test}"
    figures = {"kind": kind, "seed": SEED, "again": again, "load_per_s": LOAD, "limit_s": LIMIT_S}
    figures.update(slices.where())
    attack = Attack(cluster, topic, output, folder)
    try:
        figures["jobs"] = {approach: attack.kill_all(approach, kind, kill)}
    except BaseException as failure:
        figures["failure"] = str(failure).replace(f"{ROOT}/", "")[:2000]
        raise
    finally:
        attack.reader.stop()
        figures["seconds"] = round(time.monotonic() - begin)
        FOLDER.mkdir(parents=True, exist_ok=True)
        name = f"{kind.replace(' ', '-')}-{approach}-{SEED}"
        (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=1))


class Attack:
    """One slice: a new topic under load, one job on the cluster, kills of one kind, the verdict."""

    def __init__(self, cluster: Cluster, topic: str, output: str, folder: Path) -> None:
        self.cluster, self.topic, self.output, self.folder = cluster, topic, output, folder
        self.reader = Reader(cluster.services, output)
        self.recovered: list[float] = []

    def kill_all(self, approach: str, kind: str, kill: Kill) -> dict[str, Any]:
        """The kills, each after a batch and with both executors there; then the rest of the topic
        and the audit. Returns what the results file keeps."""
        services, chance = self.cluster.services, random.Random(f"{SEED} {approach} {kind}")
        self.reader.start()
        limits = slowly(approach, RATE)
        with (
            load(services, self.topic, self.folder, SEED),
            self.cluster.started(self.folder, approach, self.topic, self.output, *limits) as job,
        ):
            job.until(lambda: self.reader.seen, LIMIT_S, "a first batch")
            begin = time.monotonic()
            for _ in range(KILLS):
                self._kill(job, kill, chance)
            ended = time.monotonic()
            end(job)
        run_job(services, self.folder, "direct", self.topic, self.output)
        self.reader.stop()
        assert not self.reader.partial, self.reader.partial[:5]
        ledger = str(self.folder / "ledger.jsonl")
        verdict = audit(services, self.topic, self.output, "--ledger", ledger)
        assert verdict["published"] == verdict["in_kafka"] > 10 * KILLS
        return {
            "faults": {kind: len(self.recovered)},
            "recovered_s": self.recovered,
            "longest_gap_s": round(self.reader.longest_gap(begin, ended), 1),
            "starts": 1,
            "starts_that_published": 1,
            "ended_by_itself": {},
            "service_away_s": [],
            "partial": len(self.reader.partial),
            "delivered_again": sum(map(int, AGAIN.findall(job.said()))),
            "audit": {what: verdict[what] for what in AUDITED},
        }

    def _kill(self, job: jobs.Job, kill: Kill, chance: random.Random) -> None:
        before = len(self.reader.seen)
        job.until(lambda: len(self.reader.seen) > before, LIMIT_S, "a batch")
        wait_until(lambda: len(self.cluster.executors()) == 2, LIMIT_S, "both executors are there")
        pause(chance.uniform(0, 2))
        at = time.monotonic()
        kill(self.cluster, chance.choice([n for n in (1, 2) if self.cluster.executors(n)]))
        job.until(lambda: self.reader.after(at + 0.5), LIMIT_S, "a batch after the kill")
        self.recovered.append(round((self.reader.after(at + 0.5) or at) - at, 2))
        self.cluster.start()
