"""kill -9 of everything at once: broker, HDFS, producer, driver and supervisor; then all of it
again, in any order."""

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Services
from tests.kit.faults.attacks import attacked, kill_service
from tests.kit.jobs import APPROACHES, descendants, run_job
from tests.kit.producing import running

SEED = int(os.environ.get("FAULT_SEED", "1"))
NODES = ("kafka-1", "namenode", "datanode-1")


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_everything_is_killed_at_once(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    ledger = tmp_path / "ledger.jsonl"
    load = (
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--topic",
        topic,
        "--rate",
        "50",
        "--ledger",
        str(ledger),
    )
    with attacked(services, tmp_path, approach, topic, output, records=300) as attack:
        producer = running(services, *load)
        with attack.started(spark=("--supervise",)) as job:
            attack.grows(job, by=2)
            family = [*descendants(job.process.pid), job.process.pid, producer.pid]
            chance.shuffle(family)
            for pid in family:
                with suppress(ProcessLookupError):  # it ended when its parent did
                    os.kill(pid, signal.SIGKILL)
            for name in chance.sample(NODES, len(NODES)):
                kill_service(services, name)
            producer.wait()
        with attack.supervised() as job:  # before there is anything to talk to
            for names in chance.sample([("kafka-1",), ("namenode", "datanode-1")], 2):
                services.run("start", *names)
            attack.grows(job)
        # to the end of the topic, as fast as it can
        run_job(services, tmp_path, "direct", topic, attack.address)
        attack.records = attack.on_topic()
        acknowledged = len([line for line in ledger.read_text().splitlines() if line.endswith("}")])
        assert attack.records >= 300 + acknowledged > 300, "what was acknowledged is on the topic"
