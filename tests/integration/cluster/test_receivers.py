"""Where a cluster's receivers run: spread over the executors, and on another host when theirs is
lost."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Services
from tests.kit import clusters
from tests.kit.clusters import Cluster
from tests.kit.jobs import publish
from tests.kit.old_scripts import Running

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
SCRIPT = ROOT / "tests" / "on_spark" / "receivers.py"


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with clusters.on_two_hosts(services) as found:
        yield found


def said(script: Running, key: str) -> list[Any]:
    """The script's lines that have this key, in order."""
    lines = (json.loads(line) for line in script.output().splitlines() if line.startswith("{"))
    return [line for line in lines if key in line]


def submitted(
    services: Services, cluster: Cluster, folder: Path, topic: str, receivers: int, wanted: int
) -> Running:
    command = [str(ROOT / "scripts" / "submit"), *cluster.options, str(SCRIPT)]
    arguments = [services.bootstrap, topic, str(receivers), str(wanted)]
    environ = {**os.environ, **services.environ, **cluster.environ, "PYTHONUNBUFFERED": "1"}
    return Running([*command, *arguments], folder, environ)


def test_two_receivers_are_on_two_hosts(
    services: Services, cluster: Cluster, topic: str, tmp_path: Path
) -> None:
    publish(services, topic, 300)
    script = submitted(services, cluster, tmp_path, topic, 2, 300)
    try:
        script.wait_for(lambda _: len(said(script, "receiver")) >= 2, "both receivers start")
        hosts = {line["receiver"]: line["host"] for line in said(script, "receiver")}
        assert sorted(hosts.values()) == ["127.0.0.2", "127.0.0.3"]
        assert script.process.wait(300) == 0
    finally:
        script.kill()


def test_a_receiver_whose_host_dies_starts_on_another(
    services: Services, cluster: Cluster, topic: str, tmp_path: Path
) -> None:
    """What comes later is received there, and nothing of what was there before is missing."""
    publish(services, topic, 300)
    script = submitted(services, cluster, tmp_path, topic, 1, 600)
    try:
        script.wait_for(lambda _: said(script, "records"), "a first batch")
        first = said(script, "receiver")[-1]["host"]
        cluster.kill_host(int(first.rpartition(".")[2]) - 1)
        script.wait_for(
            lambda _: said(script, "receiver")[-1]["host"] != first, "it starts on another host"
        )
        publish(services, topic, 300)
        assert script.process.wait(300) == 0
        assert said(script, "records")[-1]["records"] >= 600
    finally:
        script.kill()
        cluster.start()
