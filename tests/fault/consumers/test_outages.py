"""A service away for 20 s in mid-run, while tweets are published: the job waits for it, or stops
with exit code 1."""

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import Services, wait_until
from tests.integration.producer.test_producer_outages import start_again
from tests.kit.jobs import (
    APPROACHES,
    Job,
    audit,
    await_batches,
    published_records,
    run_job,
    started,
)
from tests.kit.producing import running

OUTAGE_S = 20
SECONDLY = ("--batch-interval-s", "1")


@pytest.mark.long
@pytest.mark.parametrize("service", ["kafka-1", "namenode", "datanode-1"])
@pytest.mark.parametrize("approach", APPROACHES)
def test_service_away_in_mid_run(
    services: Services,
    admin: KafkaAdminClient,
    topic: str,
    output: str,
    approach: str,
    service: str,
    tmp_path: Path,
) -> None:
    ledger = str(tmp_path / "ledger")
    producer = running(
        services,
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--topic",
        topic,
        "--rate",
        "100",
        "--ledger",
        ledger,
    )
    wait_until(
        lambda: Path(ledger).exists() and Path(ledger).stat().st_size, 20, "the producer publishes"
    )
    with started(services, tmp_path, approach, topic, output, *SECONDLY) as job:
        await_batches(services, output, 3, job)
        services.run("stop", service)
        try:
            with suppress(subprocess.TimeoutExpired):
                producer.wait(OUTAGE_S)
            assert producer.returncode is None, "tweets are published through the whole outage"
        finally:
            if service == "kafka-1":
                start_again(services, admin)
            else:
                services.run("start", service)
        producer.send_signal(signal.SIGTERM)
        report, said = producer.communicate(timeout=60)
        assert producer.returncode == 0, said
        acked = json.loads(report)["acked"]
        settle(services, output, job, acked)
    run_job(services, tmp_path, approach, topic, output, *SECONDLY)
    assert audit(services, topic, output, "--ledger", ledger)["published"] == acked > 100 * OUTAGE_S


def settle(services: Services, output: str, job: Job, records: int) -> None:
    """Wait until the job has published this many records, and stop it; or until it has stopped by
    itself, which it may with 1."""
    job.until(
        lambda: job.process.poll() is not None or published_records(services, output) == records,
        180,
        "the job continues or stops",
    )
    if job.process.poll() is None:
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(60) == 0, job.said()
    else:
        assert job.process.returncode == 1, job.said()
        assert "error: " in job.said() and "\n  next: " in job.said(), job.said()
