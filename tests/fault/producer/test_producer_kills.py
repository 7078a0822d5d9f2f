"""The producer killed at any moment, and cut off from Kafka for long: nothing of what it has
received is missing.

PRODUCER_KILLS, PRODUCER_OUTAGE_S and FAULT_SEED choose. The figures go to docs/results/.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from local.stub_servers.jetstream import Jetstream
from tests.conftest import ROOT, Services, wait_until
from tests.integration.producer.test_producer_outages import start_again
from tests.kit.faults.producer_attack import Attack, kills
from tests.kit.faults.results import machine
from tests.kit.producing import published, running

KILLS = int(os.environ.get("PRODUCER_KILLS", "100"))
OUTAGE_S = float(os.environ.get("PRODUCER_OUTAGE_S", "120"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
MEMORY_MB = 100  # what may be in flight, twice, and what the client keeps beside it


def write_down(name: str, figures: dict[str, Any]) -> None:
    results = ROOT / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    about = {"made_by": "make test-fault", "machine": machine()}
    (results / f"{name}.json").write_text(json.dumps({**about, **figures}, indent=1) + "\n")


def test_a_few_kills_lose_nothing(services: Services, topic: str, tmp_path: Path) -> None:
    figures = kills(services, tmp_path, topic, rounds=4, posts_a_second=500, seed=SEED)
    assert figures["posts"] > 500


@pytest.mark.long
def test_many_kills_lose_nothing(services: Services, topic: str, tmp_path: Path) -> None:
    figures = kills(services, tmp_path, topic, KILLS, posts_a_second=500, seed=SEED)
    assert figures["posts"] > 100 * KILLS
    write_down("producer-kills", figures)


@pytest.mark.parametrize("moment", ["before the acknowledgement", "before the crossing off"])
def test_killed_between_sending_and_crossing_off(
    services: Services, topic: str, tmp_path: Path, moment: str
) -> None:
    """The narrow places, hit on purpose: after the send, and after Kafka's acknowledgement."""
    patch = {
        "before the acknowledgement": "if self.in_flight: os.kill(os.getpid(), 9)\n"
        "    return settled(self, seconds)",
        "before the crossing off": (
            "found = settled(self, seconds)\n    if found: os.kill(os.getpid(), 9)\n    return "
            "found"
        ),
    }[moment]
    program = (
        "import os\nfrom producer import __main__ as p\n"
        "from producer.publishing import publisher\nsettled = publisher.Publisher.settled\n"
        f"def hit(self, seconds):\n    {patch}\npublisher.Publisher.settled = "
        "hit\np.exit_with(p.main)"
    )
    spool = ["--topic", topic, "--spool", str(tmp_path / "spool"), "--source", "sample"]
    environ = {**os.environ, **services.environ}
    arguments = [sys.executable, "-c", program, *spool, "--max-posts", "300", "--rate", "3000"]
    ended = subprocess.run(
        arguments, cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    once = set(published(services, topic).values())
    process = running(services, *spool, "--max-posts", "1", "--seed", "2")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report = json.loads(out)
    found = list(published(services, topic).values())
    assert report["from_spool"] > 0
    assert report["acked"] == report["from_spool"] + 1
    twice = {record for record in found if found.count(record) > 1}
    assert twice <= once
    if moment == "before the crossing off":
        assert twice, (
            "Kafka had them, the spool did not know: they came again, the same key and bytes"
        )
    assert len(set(found)) >= report["from_spool"]


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return (
        int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
        / 1024
    )


def sampled_mb(process: subprocess.Popen[bytes], seconds: float) -> list[float]:
    """How much memory it has, once a second; fails the test when it ends."""
    found: list[float] = []
    begun = time.monotonic()

    def over() -> bool:
        assert process.poll() is None, process.communicate()
        if time.monotonic() - begun > len(found):
            found.append(resident_mb(process))
        return time.monotonic() - begun > seconds

    wait_until(over, seconds + 10, "the outage is over")
    return found


@pytest.mark.long
def test_long_outage_is_delivered_afterwards_in_order_of_key(
    services: Services, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    with Jetstream(rate=0) as stub:
        attack = Attack(services, tmp_path, topic, stub, posts_a_second=250)
        process = attack.started()
        before = resident_mb(process)
        services.run("stop", "kafka-1")
        try:
            memory = sampled_mb(process, OUTAGE_S)
        finally:
            start_again(services, admin)
        stub.posts = 1
        sent, begun = {key.encode() for key in stub.published()}, time.monotonic()
        wait_until(
            lambda: sent <= {line["key"].encode() for line in attack.ledger_lines()},
            180,
            "all is delivered",
        )
        recovery_s = time.monotonic() - begun
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        figures = attack.judged(json.loads(out))
    assert figures["repeats"] == 0
    assert max(memory) - before < MEMORY_MB
    told = {
        "before": round(before),
        "largest": round(max(memory)),
        "each_minute": [round(mb) for mb in memory[::60]],
    }
    figures |= {"memory_mb": told, "delivered_after_s": round(recovery_s, 1)}
    write_down("producer-outage", {"outage_s": OUTAGE_S, "posts_per_second": 250, **figures})


@pytest.mark.long
def test_memory_is_flat_while_the_spool_grows(
    services: Services, topic: str, tmp_path: Path
) -> None:
    """No broker at all, and many times as much received as may be in memory; then it is all
    delivered."""
    spool = ("--source", "sample", "--topic", topic, "--spool", str(tmp_path / "spool"))
    process = running(services, *spool, "--max-posts", "0", "--bootstrap", "127.0.0.1:9")

    def spooled_mb() -> float:
        return sum(file.stat().st_size for file in (tmp_path / "spool").glob("*.segment")) / 2**20

    wait_until(lambda: spooled_mb() > 5, 60, "the spool grows")
    before = resident_mb(process)
    wait_until(lambda: spooled_mb() > 200, 300, "200 MB are in the spool")
    assert resident_mb(process) - before < MEMORY_MB
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["spooled"] == report["read"] > 100_000
    (tmp_path / "spool" / "lock").unlink()  # it is the same topic under another address
    process = running(services, *spool, "--max-posts", "1")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert json.loads(out)["acked"] == report["read"] + 1
