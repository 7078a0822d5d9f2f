"""The brokers: their configuration, their commands, and when they are ready."""

import base64
import uuid
from pathlib import Path

from config.settings import Settings
from local import secured
from local.nodes import HOST, LOGGING, Node, java, run


def brokers(settings: Settings, home: Path) -> list[Node]:
    """The Kafka brokers, each its own controller too."""
    return [_broker(settings, home, number) for number in range(1, settings.brokers + 1)]


def _broker(settings: Settings, home: Path, number: int) -> Node:
    name, folder = f"kafka-{number}", home / f"kafka-{number}"
    port, controller_port = settings.kafka_port + number - 1, settings.controller_port + number - 1
    file = folder / "server.properties"
    command = java(
        "kafka", 512, [f"-Dlog4j2.configurationFile={LOGGING / 'log4j2.properties'}"], []
    )

    def prepare() -> None:
        if not (folder / "data" / "meta.properties").exists():
            cluster_id = (home / "cluster-id").read_text(encoding="utf-8")
            run(
                [*command, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(file)],
                folder,
                f"format {name}",
            )

    return Node(
        name,
        f"{HOST}:{port}",
        {
            port: "kafka_port",
            controller_port: "controller_port",
            **({settings.kafka_tls_port + number - 1: "kafka_tls_port"} if settings.secure else {}),
        },
        [*command, "kafka.Kafka", str(file)],
        prepare,
        lambda: _broker_missing(settings, home, number),
        {file: _server_properties(settings, home, number)},
    )


def _server_properties(settings: Settings, home: Path, number: int) -> str:
    """One broker's server.properties; with three brokers every topic is kept three times and
    acks=all means two of them."""
    data = home / f"kafka-{number}" / "data"
    copies = min(settings.brokers, 3)
    in_sync = 2 if copies == 3 else 1
    voters = ",".join(
        f"{n}@{HOST}:{settings.controller_port + n - 1}" for n in range(1, settings.brokers + 1)
    )
    return f"""process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
{_listeners(settings, home, number)}log.dirs={str(data).replace(chr(92), chr(92) * 2)}
num.partitions=3
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=5
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=5
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=5
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
log.retention.hours=720
"""


def _listeners(settings: Settings, home: Path, number: int) -> str:
    if settings.secure:
        return secured.listeners(settings, home, number)
    port, controller = settings.kafka_port + number - 1, settings.controller_port + number - 1
    return f"""listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}
advertised.listeners=PLAINTEXT://{HOST}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
"""


def make_cluster_id(home: Path) -> None:
    """Make the id that all brokers of this home share, unless it is there; once, before the first
    of them is prepared."""
    file = home / "cluster-id"
    if not file.exists():
        file.write_text(
            base64.b64encode(uuid.uuid4().bytes, altchars=b"AA").decode().rstrip("="),
            encoding="utf-8",
        )


def _broker_missing(settings: Settings, home: Path, number: int) -> str:
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    port = (settings.kafka_tls_port if settings.secure else settings.kafka_port) + number - 1
    try:
        admin = KafkaAdminClient(
            **(secured.client(home) if settings.secure else {}),
            bootstrap_servers=f"{HOST}:{port}",
            bootstrap_timeout_ms=2000,
            request_timeout_ms=5000,
        )
    except (KafkaError, OSError) as error:
        return f"no answer: {type(error).__name__}"
    try:
        known = [
            broker.get("broker_id", broker.get("node_id"))
            for broker in admin.describe_cluster()["brokers"]
        ]
    except (KafkaError, OSError) as error:
        return f"no answer: {type(error).__name__}"
    finally:
        admin.close()
    return "" if number in known else f"it is not among the cluster's brokers {known} yet"
