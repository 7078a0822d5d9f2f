"""`scripts/services` with each service on its host of `tests.kit.lan`: the product's own know
nothing but the loopback."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from config import errors
from config.settings import Settings
from local import cluster, hdfs_nodes, hosts, kafka_nodes, nodes, services
from tests.conftest import PATIENCE
from tests.kit import lan

PIDS = json.loads(os.environ[lan.VARIABLE])
Build = Callable[[Settings, Path], list[nodes.Node]]


def moved(node: nodes.Node, address: str) -> nodes.Node:
    """The node in the network namespace of this address, where no port is taken."""
    return replace(node, command=[*lan.enter(PIDS[address]), *node.command], ports={})


def on(address: str, build: Build) -> Build:
    """The nodes moved to this address, for which their module is configured."""

    def built(settings: Settings, home: Path) -> list[nodes.Node]:
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
    kafka_nodes.HOST, hdfs_nodes.HOST, cluster.HOST = lan.KAFKA, lan.HDFS, lan.MASTER
    kafka_nodes.brokers = on(lan.KAFKA, kafka_nodes.brokers)
    hdfs_nodes.nodes = on(lan.HDFS, hdfs_nodes.nodes)
    cluster.nodes = on_theirs(cluster.nodes)
    hosts.address = lambda number: lan.HOSTS[number - 1]
    return services.main()


if __name__ == "__main__":
    errors.exit_with(main)
