"""Both jobs on a real standalone cluster: from the topic's beginning to the audit, with an
executor, a Worker, the Master and a host killed on the way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conftest import PATIENCE, ROOT, Services, wait_until
from tests.kit import clusters, jobs
from tests.kit.clusters import Cluster, end, goes_on, on_two_hosts
from tests.kit.jobs import RECEIVER_AT_LEAST, audit, publish, run_job, slowly, started


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with on_two_hosts(services) as found:
        yield found


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_executor_worker_master_and_host_killed(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Each is killed once under load; the driver continues, and each record is published once."""
    publish(services, topic, 6000)
    with cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 1, job, 120)
        with goes_on(services, output, job, 1):
            cluster.kill_executor()
        with goes_on(services, output, job, 1):
            cluster.kill_daemon(1)
        with goes_on(services, output, job, 1):
            cluster.kill_manager()
        cluster.start()
        with goes_on(services, output, job, 1):
            cluster.kill_host(2)
        cluster.start()
        with goes_on(services, output, job, 1):
            pass
        end(job)
    run_job(services, tmp_path, "direct", topic, output)
    assert audit(services, topic, output)["published"] == 6000


@pytest.mark.usefixtures("cluster")
def test_the_unauthenticated_doors_are_shut(services: Services) -> None:
    """No REST submissions, nothing beyond the loopback, and no application without the secret."""
    listening = Path("/proc/net/tcp6").read_text() + Path("/proc/net/tcp").read_text()
    assert f":{6066:04X} " not in listening
    with urlopen(f"http://127.0.0.1:{services.spark_http_port}/json/", timeout=5) as page:
        assert b'"aliveworkers" : 2' in page.read()
    for name in ("spark-master", "spark-worker-1"):
        assert clusters.listens_on(services.pid(name)) == {
            "127.0.0.1" if name == "spark-master" else "127.0.0.2"
        }


@pytest.mark.long
def test_a_stranger_without_the_secret_is_refused(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 10)
    stranger = {"_SPARK_AUTH_SECRET": "guessed"}
    with started(
        services, tmp_path, "direct", topic, output, spark=cluster.options, environ=stranger
    ) as job:
        assert job.ended(120) == 1, job.said()
    assert not jobs.batches(services, output)


def test_a_host_without_our_code_is_named_once(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 10)
    elsewhere = [*cluster.options, "--conf", "spark.executorEnv.PYTHONPATH=/nowhere"]
    with started(
        services, tmp_path, "direct", topic, output, spark=elsewhere, environ=cluster.environ
    ) as job:
        assert job.ended(120) == 2, job.said()
        said = job.said()
    assert "No module named 'consumers' at host 127.0.0." in said
    assert "Traceback" not in said and "\tat " not in said, said


@pytest.mark.long
def test_another_python_is_named_once(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    """Each host has to have the interpreter; one of another minor version is named the same way."""
    publish(services, topic, 10)
    pythons = ["--conf", f"spark.pyspark.driver.python={sys.executable}"]
    pythons += ["--conf", "spark.pyspark.python=/nowhere/python3"]
    with started(
        services,
        tmp_path,
        "direct",
        topic,
        output,
        spark=[*cluster.options, *pythons],
        environ=cluster.environ,
    ) as job:
        assert job.ended(120) == 2, job.said()
        said = job.said()
    assert "an executor has no Python like the driver's" in said
    assert "\tat " not in said, said


def submitted(services: Services, cluster: Cluster, *arguments: str) -> str:
    """What a script on the cluster prints, which ends by itself with 0."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "submit"), *cluster.options, *arguments],
        env={**os.environ, **services.environ, **cluster.environ},
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return done.stdout


def test_a_partition_stays_with_its_executor(
    services: Services, cluster: Cluster, topic: str
) -> None:
    """Whoever has read a partition has its next records already. The patience is for a crowded
    machine: a task goes elsewhere when its executor stays busy for longer."""
    publish(services, topic, 600)
    patient = ("--conf", "spark.locality.wait=60s", str(ROOT / "tests" / "on_spark" / "homes.py"))
    said = submitted(services, cluster, *patient, services.bootstrap, topic, "6")
    batches = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    homes: dict[str, set[int]] = {}
    for batch in batches:
        for partition, executor in batch.items():
            homes.setdefault(partition, set()).add(executor)
    assert sorted(homes) == ["0", "1", "2"]
    assert [len(executors) for executors in homes.values()] == [1, 1, 1], batches
    assert len(set.union(*homes.values())) == 2, "both executors have some"


@pytest.mark.long
@pytest.mark.parametrize("door", ["direct", "receiver"])
def test_a_script_of_somebody_else(
    services: Services, cluster: Cluster, topic: str, door: str
) -> None:
    publish(services, topic, 100)
    script = str(ROOT / "tests" / "on_spark" / "words.py")
    said = submitted(services, cluster, script, door, services.bootstrap, topic, "100")
    assert "of 100" in said


@pytest.mark.usefixtures("cluster")
def test_services_remember_the_cluster(services: Services) -> None:
    wait_until(lambda: services.run("status", expect=None).returncode == 0, 60, "all are up")
    assert "spark-worker-2" in services.run("status").stdout
    more = services.run("start", "--spark-workers", "3", expect=2)
    assert "were made with spark_workers = 2, not 3" in more.stderr
    assert "scripts/services stop, then start" in more.stderr


@pytest.mark.usefixtures("cluster")
def test_workers_that_start_with_the_master_are_not_lost(services: Services) -> None:
    """A Master that recovers a Worker while that registers may leave it without heartbeats."""

    def heartbeats() -> list[int]:
        with urlopen(f"http://127.0.0.1:{services.spark_http_port}/json/", timeout=5) as page:
            workers = json.load(page)["workers"]
        return [worker["lastheartbeat"] for worker in workers if worker["state"] == "ALIVE"]

    names = ["spark-master", "spark-worker-1", "spark-worker-2"]
    services.run("stop", *names)
    services.run("start", *names)
    started = max(heartbeats())
    wait_until(
        lambda: len(beats := heartbeats()) == 2 and min(beats) > started, 60, "both have beaten"
    )
