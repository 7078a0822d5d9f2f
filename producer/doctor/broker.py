"""Can Kafka be reached: at the given address, at the addresses that the brokers advertise; is the
topic there."""

import socket
from collections.abc import Mapping

from config.errors import ServiceUnreachable
from producer.publishing.brokers import check_names, cluster, misled, partitions_of

TIMEOUT_S = 10.0


def broker(bootstrap: str, topic: str, login: Mapping[str, str]) -> str:
    """Connects to every broker under the address that it advertises. Raises ConfigError,
    ServiceUnreachable."""
    check_names(bootstrap, topic)
    advertised = [
        (str(one.host), int(one.port or 0)) for one in cluster(bootstrap, login)[1].brokers.values()
    ]
    for host, port in advertised:
        reach(host, port, bootstrap)
    return f", advertised as {', '.join(f'{host}:{port}' for host, port in advertised)}"


def reach(host: str, port: int, bootstrap: str) -> None:
    """Raises ServiceUnreachable when nothing listens at the address that the broker advertises."""
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        raise misled(f"{host}:{port}", error.strerror or str(error), bootstrap) from None


def topic(bootstrap: str, name: str, login: Mapping[str, str]) -> str:
    """Raises ServiceUnreachable for a missing topic. It is not created: a check leaves no trace."""
    check_names(bootstrap, name)
    partitions = partitions_of(bootstrap, name, login)
    if not partitions:
        raise ServiceUnreachable(
            "there is no such topic", f"{name} on {bootstrap}", "create it, or publish something"
        )
    return f", {partitions} partitions"
