"""/health and /metrics of a running job, and what they say while HDFS is frozen."""

import json
import os
import signal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from consumers.driver.figures import LATE_INTERVALS
from tests.conftest import Services
from tests.kit.jobs import APPROACHES, Job, publish, started, unused_port

INTERVAL_S = 2.0


def health(port: int) -> dict[str, Any]:
    """The answer, with its status; status 0 where none comes."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return {"status": answer.status, **json.load(answer)}
    except HTTPError as error:
        return {"status": error.code, **json.load(error)}
    except OSError:
        return {"status": 0}


def metrics(port: int) -> dict[str, float]:
    """Every sample by its name with labels."""
    text = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(number) for name, number in rows}


def until(job: Job, port: int, status: int, seconds: float) -> None:
    """Wait for this status."""
    job.until(lambda: health(port)["status"] == status, seconds, f"/health answers {status}")


@pytest.mark.parametrize(
    "approach", [APPROACHES[0], pytest.param(APPROACHES[1], marks=pytest.mark.long)]
)
def test_health_turns_503_while_hdfs_is_frozen_and_back(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    publish(services, topic, 60)
    port, namenode = unused_port(), services.pid("namenode")
    flags = ("--metrics", f"127.0.0.1:{port}", "--batch-interval-s", str(INTERVAL_S))
    with started(services, tmp_path, approach, topic, output, *flags) as job:
        job.until(lambda: health(port)["status"] == 503, 120, "it answers while it starts")
        until(job, port, 200, 120)
        job.until(lambda: _settled(port), 120, "all is published, and Kafka was looked at")
        found = metrics(port)
        assert found['tweets_published_records_total{kind="tweets"}'] == 60
        assert sum(n for name, n in found.items() if name.startswith("tweets_frontier")) == 60
        assert 0 < found["tweets_freshness_seconds"] < 600
        assert found["tweets_executors"] == found["tweets_kafka_up"] == 1
        assert found["tweets_receivers_active"] == (approach == "receiver_based")
        assert found['tweets_batch_seconds_count{step="publish"}'] == found["tweets_batches_total"]
        os.kill(namenode, signal.SIGSTOP)
        try:
            # the batch under way may have begun just before
            until(job, port, 503, (LATE_INTERVALS + 1) * INTERVAL_S)
            assert "no batch has ended for" in health(port)["reason"]
        finally:
            os.kill(namenode, signal.SIGCONT)
        until(job, port, 200, 60)


def _settled(port: int) -> bool:
    found = metrics(port)
    lag = [number for name, number in found.items() if name.startswith("tweets_lag_records")]
    looked = len(lag) == 3 and found["tweets_executors"] == 1
    batches = found["tweets_batches_total"]
    return looked and sum(lag) == 0 and 0 < batches == found["tweets_raw_batches"]
