"""`scripts/services` with each service on its host of `tests.kit.lan`: the product's own know
nothing but the loopback."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from config import errors
from config.settings import Settings
from local import cluster, hosts, nodes, services
from tests.conftest import PATIENCE
from tests.kit import lan

PIDS = json.loads(os.environ[lan.VARIABLE])
ALONE = threading.Lock()  # of the one that has set the module's HOST
Build = Callable[[Settings, Path], list[nodes.Node]]


def moved(node: nodes.Node, address: str) -> nodes.Node:
    """The node in the network namespace of this address, where no port is taken."""

    def ready() -> str:
        with ALONE:
            nodes.HOST = address
            return node.ready()

    command = [*lan.enter(PIDS[address]), *node.command]
    return replace(node, command=command, ports={}, ready=ready)


def on(address: str, build: Build) -> Build:
    """The nodes, configured for this address and moved there."""

    def built(settings: Settings, home: Path) -> list[nodes.Node]:
        nodes.HOST = address
        return [moved(node, address) for node in build(settings, home)]

    return built


def on_theirs(build: Build) -> Build:
    """The Master and the Workers, each where its own address says."""

    def built(settings: Settings, home: Path) -> list[nodes.Node]:
        return [moved(node, node.address.partition(":")[0]) for node in build(settings, home)]

    return built


def main() -> int:
    """`local.services.main`, with the services on their hosts."""
    services.READY_S *= PATIENCE
    nodes.brokers = on(lan.KAFKA, nodes.brokers)
    nodes.hdfs_nodes = on(lan.HDFS, nodes.hdfs_nodes)
    cluster.HOST = lan.MASTER
    cluster.nodes = on_theirs(cluster.nodes)
    hosts.address = lambda number: lan.HOSTS[number - 1]
    return services.main()


if __name__ == "__main__":
    errors.exit_with(main)
