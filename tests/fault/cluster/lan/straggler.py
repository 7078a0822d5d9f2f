"""A task that still writes when its driver is dead and the driver's successor has published."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.kit import jobs, lan
from tests.kit.clusters import Cluster
from tests.kit.faults.chaos import LIMIT_S
from tests.kit.faults.trials import SCRIPT
from tests.kit.jobs import APPROACHES, audit, publish, slowly
from tests.kit.lan import HERE, HOSTS, MASTER, Lan, LanServices

# its executor must not end before the successor has published
STAYS = ("--conf", "spark.executor.heartbeat.maxFailures=600", SCRIPT)
REFUSED = re.compile("Exception in task .*(?:LeaseExpired|FileNotFound)", re.DOTALL)
RECORDS = 900


def names(services: LanServices, output: str) -> set[str]:
    """The path of every file below the output, but for checkpoints."""
    walk = services.files.walk(jobs.path_of(output))
    found = {f"{folder}/{file}" for folder, _, files in walk for file in files}
    return {name for name in found if "/_checkpoint/" not in name}


def staged(services: LanServices, output: str) -> list[str]:
    return [name for name in names(services, output) if "/_staging/" in name]


@contextmanager
def outrun(
    network: Lan, cluster: Cluster, folder: Path, approach: str, topic: str, output: str, bug: str
) -> Iterator[list[Path]]:
    """A task waits with its file open, for `go` in the folder; its host is cut off from the driver
    and the Master and keeps HDFS; its driver is dead, and the successor has published all. Gives
    the logs of its host."""
    services, settings = cluster.services, slowly(approach, 300)
    publish(services, topic, RECORDS)
    with cluster.started(
        folder, approach, topic, output, *settings, spark=(*STAYS, f"task_straggles,{bug}"),
        environ={"STRAGGLER": str(folder)},
    ) as old:  # fmt: skip
        held = folder / "held"
        old.until(lambda: held.exists() and held.read_text(), LIMIT_S, "a task is held")
        pid, file = held.read_text().split()
        old.until(lambda: file in " ".join(staged(services, output)), LIMIT_S, "its file is open")
        host = next(one for one in HOSTS if lan.network_of(int(pid)) == network.network(one))
        for other in (HERE, MASTER):
            network.lose(host, other)
            network.lose(other, host)
        old.kill()
        try:
            with cluster.started(
                folder, approach, topic, output, *settings, "--available-now", spark=(SCRIPT, bug)
            ) as new:
                assert new.ended(2 * LIMIT_S) == 0, new.said()
            assert jobs.alive(int(pid)), "the straggler is still there"
            yield cluster.logs(HOSTS.index(host) + 1)
        finally:
            network.heal()


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_straggler_writes_after_the_fence(
    network: Lan,
    services: LanServices,
    cluster: Cluster,
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
) -> None:
    """The successor has removed the folder, so the file is nowhere, and the task is told."""
    earlier = {*cluster.logs()}
    with outrun(network, cluster, tmp_path, approach, topic, output, "none") as logs:
        before = names(services, output)
        assert not staged(services, output), "the successor has removed its folder"
        (tmp_path / "go").touch()
        wait_until(
            lambda: any(REFUSED.search(log.read_text()) for log in {*logs} - earlier),
            60,
            "the straggler's task fails",
        )
    assert names(services, output) == before
    assert audit(services, topic, output)["published"] == RECORDS


def test_a_fence_that_lets_it_in_is_convicted(
    network: Lan, services: LanServices, cluster: Cluster, topic: str, output: str, tmp_path: Path
) -> None:
    """The same with a bug: the folder that the successor publishes is the one where the straggler
    has its file open, and HDFS lets it write on."""
    bug = "drivers_share_a_stage"
    with outrun(network, cluster, tmp_path, "direct", topic, output, bug):
        assert jobs.published_records(services, output) == RECORDS
        (tmp_path / "go").touch()
        wait_until(
            lambda: audit(services, topic, output, expect=1)["duplicated"],
            60,
            "the audit counts the straggler's records",
        )
