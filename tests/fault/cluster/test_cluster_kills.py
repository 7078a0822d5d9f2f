"""Kill loops on a standalone cluster under load: the driver continues, the reader never sees a part
of a batch, and the audit finds nothing. Figures: build/fault/cluster."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster
from tests.kit.faults import results
from tests.kit.faults.chaos import AGAIN, LIMIT_S, pause
from tests.kit.faults.watching import Reader, load
from tests.kit.jobs import APPROACHES, audit, run_job, slowly

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "25"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
FOLDER = ROOT / "build" / "fault" / "cluster"


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    services.run("start", "--spark-workers", "2")
    yield Cluster(services)
    services.run("stop", "spark-master", "spark-worker-1", "spark-worker-2")
    services.run("start", "kafka-1", "--spark-workers", "0")  # and forgotten


def executor(cluster: Cluster, host: int) -> None:
    cluster.kill_executor(host)


def all_executors(cluster: Cluster, _host: int) -> None:
    for host in (1, 2):
        cluster.kill_executor(host)


def worker(cluster: Cluster, host: int) -> None:
    cluster.kill_worker(host)


def host(cluster: Cluster, number: int) -> None:
    cluster.kill_host(number)


def master(cluster: Cluster, _host: int) -> None:
    cluster.kill_master()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kill", [executor, all_executors, worker, host, master])
@pytest.mark.parametrize("approach", APPROACHES)
def test_kills(
    services: Services,
    cluster: Cluster,
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
    kill: Any,
) -> None:
    chance = random.Random(f"{SEED} {approach} {kill.__name__}")
    reader, recovered = Reader(services, output), []
    reader.start()
    begun = time.monotonic()
    with (
        load(services, topic, tmp_path, SEED),
        cluster.started(tmp_path, approach, topic, output, *slowly(approach, 600)) as job,
    ):
        job.until(lambda: reader.seen, LIMIT_S, "a first batch")
        for _ in range(ROUNDS):
            before = len(reader.seen)
            job.until(lambda before=before: len(reader.seen) > before, LIMIT_S, "a batch")
            wait_until(lambda: len(cluster.executors()) == 2, LIMIT_S, "both executors are there")
            pause(chance.uniform(0, 2))
            at = time.monotonic()
            kill(cluster, chance.choice((1, 2)))
            job.until(lambda at=at: reader.after(at + 0.5), LIMIT_S, f"goes on after {kill}")
            recovered.append(round((reader.after(at + 0.5) or at) - at, 2))
            cluster.start()
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(120) == 0, job.said()
        again = sum(int(n) for n in again_of(job))
    run_job(services, tmp_path, "direct", topic, output)
    reader.stop()
    assert not reader.partial, reader.partial[:5]
    verdict = audit(services, topic, output, "--ledger", str(tmp_path / "ledger.jsonl"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures = {
        "killed": kill.__name__,
        "job": approach,
        "kills": len(recovered),
        "recovery_s": results.spread(recovered),
        "records": verdict["in_kafka"],
        **{kind: verdict[kind] for kind in ("published", *jobs.FINDINGS)},
        "partial": len(reader.partial),
        "delivered_again": again,
        "seconds": round(time.monotonic() - begun),
        "load_1min": os.getloadavg()[0],
        "again": f"FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} .venv/bin/python -m pytest "
        "tests/fault/cluster/test_cluster_kills.py",
    }
    (FOLDER / f"{kill.__name__}-{approach}-{SEED}.json").write_text(json.dumps(figures, indent=1))
    assert verdict["published"] == verdict["in_kafka"] > 10 * ROUNDS


def again_of(job: jobs.Job) -> list[str]:
    """How many records Kafka delivered once more, batch by batch."""
    return list(AGAIN.findall(job.said()))


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
