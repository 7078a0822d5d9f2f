"""A host of a standalone cluster is cut off from some of the others, one way or both, and comes
back. Figures: build/fault/cuts."""

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import PATIENCE, ROOT, wait_until
from tests.kit import jobs
from tests.kit.clusters import Cluster, end
from tests.kit.faults.chaos import AGAIN, LIMIT_S, RATE, pause
from tests.kit.faults.watching import Reader, load
from tests.kit.jobs import APPROACHES, audit, run_job, slowly
from tests.kit.lan import HDFS, HERE, HOSTS, KAFKA, MASTER, Lan, LanServices

FOLDER = ROOT / "build" / "fault" / "cuts"
SECONDS = [int(word) for word in os.environ.get("CUT_S", "30,150").split(",")]
MOVED_S = 90  # a receiver's partitions are on the other host
FROM = {
    "driver": (HERE,),
    "driver and Master": (HERE, MASTER),
    "Kafka": (KAFKA,),
    "HDFS": (HDFS,),
    "everything": (HERE, MASTER, KAFKA, HDFS, *HOSTS),
}
# Spark does not move a receiver whose host is still there for driver and Master
STAYS = ("Kafka", "HDFS")


class Cuts:
    """One job under load whose host is cut off again and again; `found` has a row for each cut."""

    def __init__(self, network: Lan, cluster: Cluster, job: jobs.Job, reader: Reader) -> None:
        self.network, self.cluster, self.job, self.reader = network, cluster, job, reader
        self.found: list[dict[str, Any]] = []

    def cut(self, approach: str, lost: str, both_ways: bool, seconds: int) -> None:
        """Cut for this long; the job publishes meanwhile, and after it."""
        before = len(self.reader.seen)
        self.job.until(lambda: len(self.reader.seen) > before, LIMIT_S, "a batch before the cut")
        receives = approach == "receiver_based"
        victim = self._holder() if receives else HOSTS[0]
        at = time.monotonic()
        for other in {*FROM[lost]} - {victim}:
            self.network.lose(victim, other)
            if both_ways:
                self.network.lose(other, victim)
        row: dict[str, Any] = {"both_ways": both_ways, "seconds": seconds}
        if receives and lost not in STAYS and seconds > MOVED_S:
            wait_until(lambda: self._holders() == {other_host(victim)}, seconds, "they moved")
            row["partitions_moved_s"] = round(time.monotonic() - at, 1)
        pause(max(0, at + seconds - time.monotonic()))
        healed = time.monotonic()
        self.network.heal()
        self.job.until(lambda: self.reader.after(healed), LIMIT_S, f"a batch after {row}")
        row["longest_gap_s"] = round(self.reader.longest_gap(at, time.monotonic()), 1)
        self.found.append(row)
        print(lost, row)
        wait_until(lambda: len(self.cluster.executors()) >= 2, LIMIT_S, "both executors are there")

    def _holder(self) -> str:
        wait_until(lambda: len(self._holders()) == 1, LIMIT_S, "one host holds all partitions")
        return self._holders().pop()

    def _holders(self) -> set[str]:
        """The hosts of the receivers that hold partitions, by Kafka's word; empty while the group
        shares them out."""
        admin = KafkaAdminClient(bootstrap_servers=self.cluster.services.bootstrap)
        try:
            names = [one["group_id"] for one in admin.list_groups()]
            groups = admin.describe_groups(names) if names else {}
        finally:
            admin.close()
        return {
            member["client_host"].lstrip("/")
            for group in groups.values()
            if group["group_state"] == "Stable"
            for member in group["members"]
            if assigned(member)
        }


def assigned(member: dict[str, Any]) -> bool:
    return bool((member["member_assignment"] or {}).get("assigned_partitions"))


def other_host(host: str) -> str:
    return next(one for one in HOSTS if one != host)


@pytest.mark.parametrize("both_ways", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("lost", FROM)
@pytest.mark.parametrize("approach", APPROACHES)
def test_cut_off(
    network: Lan,
    services: LanServices,
    cluster: Cluster,
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
    lost: str,
    both_ways: bool,
) -> None:
    """The longest cut comes last: one whose tasks failed gets none for ten minutes."""
    reader = Reader(services, output)
    reader.start()
    with (
        load(services, topic, tmp_path, 1),
        cluster.started(tmp_path, approach, topic, output, *slowly(approach, RATE)) as job,
    ):
        job.until(lambda: reader.seen, LIMIT_S, "a first batch")
        cuts = Cuts(network, cluster, job, reader)
        for seconds in SECONDS:
            cuts.cut(approach, lost, both_ways, seconds)
        end(job)
    run_job(services, tmp_path, "direct", topic, output)
    reader.stop()
    verdict = audit(services, topic, output, "--ledger", str(tmp_path / "ledger.jsonl"))
    figures = {
        "job": approach,
        "cut_off_from": lost,
        "cuts": cuts.found,
        **{what: verdict[what] for what in ("in_kafka", "published", *jobs.FINDINGS)},
        "partial": len(reader.partial),
        "delivered_again": sum(map(int, AGAIN.findall(job.said()))),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{approach}-{lost.replace(' ', '-')}-{'both-ways' if both_ways else 'one-way'}.json"
    (FOLDER / name).write_text(json.dumps(figures, indent=1))
    assert not reader.partial, reader.partial[:5]
    assert verdict["published"] == verdict["in_kafka"]
    for row in cuts.found:
        assert row.get("partitions_moved_s", 0) <= MOVED_S * PATIENCE, row
        assert row["longest_gap_s"] < max(row["seconds"], MOVED_S * PATIENCE), row


def test_a_worker_that_was_cut_off_for_long_is_taken_back(
    network: Lan, services: LanServices
) -> None:
    """Sixteen times `spark.worker.timeout` is when Spark's Master forgets a lost Worker; from then
    on it ignores its heartbeats."""
    page = f"http://{MASTER}:{services.spark_http_port}/json/"

    def alive() -> int:
        with urlopen(page, timeout=10) as answer:
            return int(json.load(answer)["aliveworkers"])

    network.lose(HOSTS[0], MASTER)
    network.lose(MASTER, HOSTS[0])
    try:
        wait_until(lambda: alive() == 1, 60, "the Master has lost a Worker")
        pause(17 * 15)
    finally:
        network.heal()
    wait_until(lambda: alive() == 2, 60, "the Master has both Workers")
