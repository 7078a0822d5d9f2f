"""A host or the driver of a standalone cluster is frozen, and thaws when others have done its
work: nothing of what it still does is seen. Blocks of a receiver that is gone come from the log."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Services, wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster, end, goes_on, on_two_hosts, stopped
from tests.kit.faults.chaos import AGAIN, LIMIT_S, pause
from tests.kit.faults.watching import Reader
from tests.kit.jobs import APPROACHES, audit, publish, run_job, slowly

HALF = ("--conf", "spark.cores.max=2")  # a successor needs the other half of the cluster
TAKEN_OVER = ("a newer driver has taken over", "another driver has published batch")


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with on_two_hosts(services) as found:
        yield found


def judge(services: Services, folder: Path, topic: str, output: str, records: int) -> None:
    """Publish what is left; each record is there once, and no file that no manifest names."""
    run_job(services, folder, "direct", topic, output)
    assert audit(services, topic, output)["published"] == records
    assert not strays(services, output)


def strays(services: Services, output: str) -> list[str]:
    """The files of tasks that are in no published batch."""
    named = {
        f"{batch}/{part['path']}"
        for batch, manifest in zip(
            jobs.batches(services, output), jobs.manifests(services, output), strict=True
        )
        for part in manifest["files"]
    }
    there = {
        f"{folder}/{file}"
        for folder, _, files in services.files.walk(jobs.path_of(output))
        for file in files
        if file.endswith(".json.gz")
    }
    return sorted(there - {f"{jobs.path_of(output)}/batches/{name}" for name in named})


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_host_thaws_after_others_published(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """Everything on a host stands still for longer than the driver waits: Worker, executor, Python.
    Each host in turn, so the receiver's too."""
    publish(services, topic, 6000)
    reader = Reader(services, output)
    reader.start()
    with cluster.started(tmp_path, approach, topic, output, *slowly(approach, 60)) as job:
        jobs.await_batches(services, output, 2, job, LIMIT_S)
        for host in (1, 2):
            wait_until(lambda: len(cluster.executors()) == 2, LIMIT_S, "both executors are there")
            with stopped([services.pid(f"spark-worker-{host}")]):
                lost = job.said().count("heartbeat")
                job.until(
                    lambda lost=lost: job.said().count("heartbeat") > lost,
                    LIMIT_S,
                    "the driver gives the executor up",
                )
                with goes_on(services, output, job, 2):
                    pass
            with goes_on(services, output, job, 2):
                pass
        end(job)
    judge(services, tmp_path, topic, output, 6000)
    reader.stop()
    assert not reader.partial, reader.partial[:5]


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_driver_thaws_after_its_successor_published(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """The successor runs on the other half of the cluster; the old driver ends with 4."""
    publish(services, topic, 3000)
    settings = slowly(approach, 60)
    with cluster.started(tmp_path, approach, topic, output, *settings, spark=HALF) as old:
        jobs.await_batches(services, output, 2, old, LIMIT_S)
        with (
            stopped([old.process.pid]),
            cluster.started(tmp_path, approach, topic, output, *settings, spark=HALF) as new,
        ):
            before = len(jobs.batches(services, output))
            jobs.await_batches(services, output, before + 2, new, LIMIT_S)
            end(new)
        assert old.ended(120) == 4, old.said()
        assert any(words in old.said() for words in TAKEN_OVER), old.said()
    judge(services, tmp_path, topic, output, 3000)


WAL_LOGGED = """
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c{1}: %m%n
logger.log.name = kafkadstreams.BlocksRDD
logger.log.level = debug
"""
READ = re.compile(r"Read partition data of .* from write ahead log")


@pytest.mark.long
def test_blocks_of_a_lost_executor_come_from_the_log(
    services: Services, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    """The only copy of a block is in its receiver's executor, whatever the storage level: with the
    log on there is no second one. Killed before the batch that has them, they are read from the
    log, by its own word, and published once."""
    publish(services, topic, 600)
    logging = tmp_path / "log4j2.properties"
    logging.write_text(WAL_LOGGED)
    own = ("--conf", f"spark.executor.extraJavaOptions=-Dlog4j2.configurationFile={logging}")
    settings = ("--batch-interval-s", "30", "--max-rate", "600")
    with cluster.started(tmp_path, "receiver_based", topic, output, *settings, spark=own) as job:
        jobs.await_batches(services, output, 1, job, LIMIT_S)
        publish(services, topic, 600, "--seed", "2")
        pause(5)  # received, logged and acknowledged long before the batch of 30 s
        for host in (1, 2):
            cluster.kill_executor(host)
        with goes_on(services, output, job, 1):
            pass
        end(job)
        assert not AGAIN.findall(job.said()), "they came from Kafka, not from the log"
    read = [line for file in cluster.logs() for line in READ.findall(file.read_text())]
    assert read, "an executor says that it read the log"
    judge(services, tmp_path, topic, output, 1200)
