"""The jobs on YARN: application masters killed or frozen in cluster mode, each followed by a new
epoch, and exit codes in the diagnostics. Figures: build/fault/cluster."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit import clusters, jobs
from tests.kit.clusters import stopped
from tests.kit.faults import results
from tests.kit.faults.chaos import AGAIN, pause
from tests.kit.faults.cluster_slices import FOLDER
from tests.kit.faults.slices import KILLS, SEED
from tests.kit.faults.watching import Reader, load
from tests.kit.jobs import APPROACHES, audit, publish, run_job, slowly, started
from tests.kit.yarn import NODES, Yarn, running

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]
LIMIT_S = 300.0


@pytest.fixture(scope="module")
def yarn(services: Services) -> Iterator[Yarn]:
    with running(services) as found:
        yield found


def epochs(services: Services, output: str) -> list[str]:
    """The claims that are there: a newer driver removes those of the older ones."""
    return list(services.files.list(f"{jobs.path_of(output)}/_epochs"))


@pytest.mark.parametrize("approach", APPROACHES)
def test_an_application_master_killed_is_followed_by_a_new_epoch(
    services: Services, yarn: Yarn, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """The job goes on to its end by itself, and YARN calls it a success."""
    publish(services, topic, 600)
    slow = (*slowly(approach, 60), "--available-now")
    with yarn.started(tmp_path, approach, topic, output, *slow) as job:
        jobs.await_batches(services, output, 2, job, LIMIT_S)
        assert epochs(services, output) == ["0000000001"]
        yarn.kill_master()
        assert job.ended(LIMIT_S) == 0, job.said()
    assert epochs(services, output) == ["0000000002"]
    assert audit(services, topic, output)["published"] == 600


def test_client_mode(
    services: Services, yarn: Yarn, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 300)
    with started(
        services,
        tmp_path,
        "direct",
        topic,
        output,
        "--available-now",
        spark=yarn.options("client"),
        environ=yarn.environ,
    ) as job:
        assert job.ended(LIMIT_S) == 0, job.said()
    assert audit(services, topic, output)["published"] == 300


def test_the_exit_code_is_in_the_diagnostics(yarn: Yarn, output: str, tmp_path: Path) -> None:
    """Whatever the job's code is, the client's is 1."""
    topic = f"none-{os.getpid()}"
    with yarn.started(tmp_path, "direct", topic, output, attempts=1) as job:
        assert job.ended(LIMIT_S) == 1, job.said()
        assert "User application exited with status 2" in job.said()


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_host_with_the_driver_thaws_after_its_successor_published(
    services: Services, yarn: Yarn, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """All of the host stands still; the next attempt starts on the other one. The old driver, when
    it continues, publishes nothing and ends."""
    publish(services, topic, 3000)
    with yarn.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 2, job, LIMIT_S)
        (host,) = [name for name in NODES[1:] if yarn.masters_of(name)]
        (old,) = yarn.masters()
        with stopped([services.pid(host)]):
            job.until(lambda: epochs(services, output) == ["0000000002"], LIMIT_S, "a new epoch")
            jobs.await_batches(services, output, len(jobs.batches(services, output)) + 2, job, 120)
        wait_until(lambda: not clusters.program(old), LIMIT_S, "the old driver has ended")
        jobs.await_batches(services, output, len(jobs.batches(services, output)) + 2, job, 120)
        for pid in wait_until(yarn.masters, LIMIT_S, "an application master"):
            os.kill(pid, signal.SIGTERM)
        assert job.ended(LIMIT_S) == 0, job.said()
    made = [manifest["epoch"] for manifest in jobs.manifests(services, output)]
    assert made == sorted(made) and set(made) == {1, 2}
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 3000


@pytest.mark.parametrize("approach", APPROACHES)
def test_application_masters_killed_under_load(
    services: Services, yarn: Yarn, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    chance = random.Random(f"{SEED} {approach}")
    reader, recovered = Reader(services, output), list[float]()
    reader.start()
    begun = time.monotonic()
    before = len(AGAIN.findall(yarn.said()))
    with (
        load(services, topic, tmp_path, SEED),
        yarn.started(tmp_path, approach, topic, output, *slowly(approach, 600)) as job,
    ):
        job.until(lambda: reader.seen, LIMIT_S, "a first batch")
        for number in range(1, KILLS + 1):
            pause(chance.uniform(0, 3))
            at = time.monotonic()
            yarn.kill_master()
            job.until(
                lambda n=number: [*map(int, epochs(services, output))] == [n + 1],
                LIMIT_S,
                "a new epoch",
            )
            job.until(lambda at=at: reader.after(at + 0.5), LIMIT_S, "the next attempt publishes")
            recovered.append(round((reader.after(at + 0.5) or at) - at, 2))
        for pid in wait_until(yarn.masters, LIMIT_S, "an application master"):
            os.kill(pid, signal.SIGTERM)
        assert job.ended(LIMIT_S) == 0, job.said()
    again = sum(int(count) for count in AGAIN.findall(yarn.said())[before:])
    assert [int(epoch) for epoch in epochs(services, output)] == [KILLS + 1]
    run_job(services, tmp_path, "direct", topic, output)
    reader.stop()
    assert not reader.partial, reader.partial[:5]
    verdict = audit(services, topic, output, "--ledger", str(tmp_path / "ledger.jsonl"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures = {
        "killed": "application master",
        "job": approach,
        "kills": len(recovered),
        "recovery_s": results.spread(recovered),
        "records": verdict["in_kafka"],
        **{kind: verdict[kind] for kind in ("published", *jobs.FINDINGS)},
        "partial": len(reader.partial),
        "delivered_again": again,
        "seconds": round(time.monotonic() - begun),
        "load_1min": os.getloadavg()[0],
        "again": f"FAULT_SEED={SEED} FAULT_ROUNDS={KILLS} .venv/bin/python -m pytest "
        "tests/fault/cluster/test_yarn.py",
    }
    (FOLDER / f"application_master-{approach}-{SEED}.json").write_text(
        json.dumps(figures, indent=1)
    )
    assert verdict["published"] == verdict["in_kafka"] > 10 * KILLS
