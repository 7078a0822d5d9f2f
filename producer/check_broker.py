"""Is Kafka within reach: the address given, the addresses that the brokers give in return, the topic."""

import socket

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from config.errors import ServiceUnreachable
from producer.publisher import check_names, partitions_of, said

TIMEOUT_S = 10.0


def broker(bootstrap: str, topic: str) -> str:
    """Connects to every broker under the address that it advertises. Raises ConfigError, ServiceUnreachable."""
    check_names(bootstrap, topic)
    try:
        found = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        remedy = "start Kafka (scripts/services start) or set --bootstrap (NoBrokersAvailable, KafkaTimeoutError elsewhere)"
        raise ServiceUnreachable(f"no Kafka broker answers: {said(error)}", bootstrap, remedy) from None
    advertised = [(str(one.host), int(one.port or 0)) for one in found.brokers.values()]
    for host, port in advertised:
        reach(host, port, bootstrap)
    return f", advertised as {', '.join(f'{host}:{port}' for host, port in advertised)}"


def reach(host: str, port: int, bootstrap: str) -> None:
    """Raises ServiceUnreachable when nobody listens where the broker says that it is."""
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        what = f"the broker says it is at {host}:{port}, where nobody is reached from here ({error.strerror or error})"
        remedy = "mend the broker's advertised.listeners, or make that name known here"
        raise ServiceUnreachable(what, bootstrap, remedy) from None


def topic(bootstrap: str, name: str) -> str:
    """Raises ServiceUnreachable for a topic that is not there; it is not created: a check leaves no trace."""
    check_names(bootstrap, name)
    partitions = partitions_of(bootstrap, name)
    if not partitions:
        raise ServiceUnreachable("there is no such topic", f"{name} on {bootstrap}", "create it, or publish something")
    return f", {partitions} partitions"
