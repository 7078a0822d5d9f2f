"""Kill loops on a standalone cluster under load: the driver continues, the reader never sees a part
of a batch, and the audit finds nothing. Figures: build/fault/cluster, one file per slice."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster, end, on_two_hosts
from tests.kit.faults import slices
from tests.kit.faults.chaos import AGAIN, LIMIT_S, RATE, pause
from tests.kit.faults.watching import LOAD, Reader, load
from tests.kit.jobs import APPROACHES, audit, run_job, slowly

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "25"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
FOLDER = ROOT / "build" / "fault" / "cluster"
FILE = Path(__file__).relative_to(ROOT)
AUDITED = ("in_kafka", "published", "batches", *jobs.FINDINGS)


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with on_two_hosts(services) as found:
        yield found


def all_executors(cluster: Cluster, _host: int) -> None:
    for number in (1, 2):
        cluster.kill_executor(number)


KILLS: dict[str, Callable[[Cluster, int], None]] = {
    "executor": Cluster.kill_executor,
    "all executors": all_executors,
    "spark worker": Cluster.kill_worker,
    "host": Cluster.kill_host,
    "master": lambda cluster, _host: cluster.kill_master(),
}


class Attack:
    """One slice: a new topic under load, one job on the cluster, kills of one kind, the verdict."""

    def __init__(self, cluster: Cluster, topic: str, output: str, folder: Path) -> None:
        self.cluster, self.topic, self.output, self.folder = cluster, topic, output, folder
        self.reader = Reader(cluster.services, output)
        self.recovered: list[float] = []

    def kill_all(self, approach: str, kind: str) -> dict[str, Any]:
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
            for _ in range(ROUNDS):
                self._kill(job, kind, chance)
            ended = time.monotonic()
            end(job)
        run_job(services, self.folder, "direct", self.topic, self.output)
        self.reader.stop()
        assert not self.reader.partial, self.reader.partial[:5]
        ledger = str(self.folder / "ledger.jsonl")
        verdict = audit(services, self.topic, self.output, "--ledger", ledger)
        assert verdict["published"] == verdict["in_kafka"] > 10 * ROUNDS
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

    def _kill(self, job: jobs.Job, kind: str, chance: random.Random) -> None:
        before = len(self.reader.seen)
        job.until(lambda: len(self.reader.seen) > before, LIMIT_S, "a batch")
        wait_until(lambda: len(self.cluster.executors()) == 2, LIMIT_S, "both executors are there")
        pause(chance.uniform(0, 2))
        at = time.monotonic()
        KILLS[kind](self.cluster, chance.choice((1, 2)))
        job.until(lambda: self.reader.after(at + 0.5), LIMIT_S, f"a batch after the {kind} died")
        self.recovered.append(round((self.reader.after(at + 0.5) or at) - at, 2))
        self.cluster.start()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", KILLS)
@pytest.mark.parametrize("approach", APPROACHES)
def test_kills(
    cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str, kind: str
) -> None:
    """The figures are one more slice for `python -m tests.kit.faults.results`, which adds up all
    of them; a slice that fails is in there too, with its reason."""
    begin = time.monotonic()
    name = f"{kind.replace(' ', '-')}-{approach}-{SEED}"
    again = f"FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} .venv/bin/python -m pytest {FILE}"
    figures = {"kind": kind, "seed": SEED, "again": again, "load_per_s": LOAD, "limit_s": LIMIT_S}
    figures.update(slices.where())
    attack = Attack(cluster, topic, output, tmp_path)
    try:
        figures["jobs"] = {approach: attack.kill_all(approach, kind)}
    except BaseException as failure:
        figures["failure"] = str(failure).replace(f"{ROOT}/", "")[:2000]
        raise
    finally:
        attack.reader.stop()
        figures["seconds"] = round(time.monotonic() - begin)
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=1))


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_two_minutes_without_an_executor_end_the_job(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Both Workers die under the running job, and stay dead."""
    jobs.publish(services, topic, 3000)
    with cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 1, job, 150)
        services.run("stop", "spark-worker-1", "spark-worker-2")
        assert job.ended(240) == 1, job.said()
        assert "no executor for 120 s" in job.said()
    services.run("start")
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 3000
