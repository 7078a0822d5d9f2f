"""A task that still writes when its driver is dead and the driver's successor has published."""

import re
from pathlib import Path

from tests.conftest import wait_until
from tests.kit import jobs, lan
from tests.kit.clusters import Cluster
from tests.kit.faults.chaos import LIMIT_S
from tests.kit.faults.trials import SCRIPT
from tests.kit.jobs import audit, publish, slowly
from tests.kit.lan import HERE, HOSTS, MASTER, Lan, LanServices

# its executor must not end before the successor has published
STAYS = ("--conf", "spark.executor.heartbeat.maxFailures=600", SCRIPT, "task_straggles")


REFUSED = re.compile("Exception in task .*(?:LeaseExpired|FileNotFound)", re.DOTALL)


def names(services: LanServices, output: str) -> set[str]:
    """The path of every file below the output."""
    walk = services.files.walk(jobs.path_of(output))
    return {f"{folder}/{file}" for folder, _, files in walk for file in files}


def staged(services: LanServices, output: str) -> list[str]:
    return [name for name in names(services, output) if "/_staging/" in name]


def test_a_straggler_writes_after_the_fence(
    network: Lan, services: LanServices, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    """Its host is cut off from the driver and the Master and keeps HDFS, where its file is open.
    The successor removes the folder, so the file is nowhere, and the task is told."""
    publish(services, topic, 900)
    settings, logs_before = slowly("direct", 300), {*cluster.logs()}
    with cluster.started(
        tmp_path, "direct", topic, output, *settings, spark=STAYS,
        environ={"STRAGGLER": str(tmp_path)},
    ) as old:  # fmt: skip
        held = tmp_path / "held"
        old.until(lambda: held.exists() and held.read_text(), LIMIT_S, "a task is held")
        pid = int(held.read_text())
        wait_until(lambda: staged(services, output), 60, "its file is open")
        host = next(one for one in HOSTS if lan.network_of(pid) == network.network(one))
        for other in (HERE, MASTER):
            network.lose(host, other)
            network.lose(other, host)
        old.kill()
        try:
            with cluster.started(
                tmp_path, "direct", topic, output, *settings, "--available-now"
            ) as new:
                assert new.ended(2 * LIMIT_S) == 0, new.said()
            assert jobs.alive(pid), "the straggler is still there"
            before = names(services, output)
            assert not staged(services, output), "the successor has removed its folder"
            (tmp_path / "go").touch()
            logs = {*cluster.logs(HOSTS.index(host) + 1)} - logs_before
            wait_until(
                lambda: any(REFUSED.search(log.read_text()) for log in logs),
                60,
                "the straggler's task fails",
            )
        finally:
            network.heal()
    assert names(services, output) == before
    assert audit(services, topic, output)["published"] == 900
