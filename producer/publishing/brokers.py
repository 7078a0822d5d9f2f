"""What the brokers say before anything is published: who they are, and what the topic takes."""

import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as Unanswered
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
)

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from producer.publishing.access import refusal

CONNECT_TIMEOUT_S = 10.0
RECORD_BYTES = 1_048_588  # the largest batch that brokers take by default
# librdkafka's errors begin like this for a broker at its advertised address
_ADVERTISED = re.compile(r"(?:\w+://)?(\S+:\d+)/\d+: ")

log = logging.getLogger("producer")


def check_names(bootstrap: str, topic: str) -> None:
    """Raise ConfigError for a text that cannot be a broker's address or a topic's name."""
    if not all(re.fullmatch(r"\S+:\d{1,5}", address) for address in bootstrap.split(",")):
        raise ConfigError("not a broker address", bootstrap, "set --bootstrap to host:port")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic):
        raise ConfigError(
            f"not a topic's name: {topic!r}",
            "--topic",
            "use letters, digits, dot, underscore and hyphen",
        )


def cluster(
    bootstrap: str, login: Mapping[str, str], topic: str | None = None
) -> tuple[AdminClient, ClusterMetadata]:
    """A client, and what the brokers say of themselves and of the topic, or of all.

    `login` has librdkafka's properties of a secured Kafka. Raises ServiceUnreachable, what
    `refusal` gives, ConfigError for a property that librdkafka does not take.

    The question may go to the address given or to one that came in answer; which of them does not
    answer only the errors tell.
    """
    advertised: list[str] = []
    refused: list[PipelineError] = []

    def note(error: KafkaError) -> None:
        refused.extend(filter(None, [refusal(error, bootstrap)]))
        if found := _ADVERTISED.match(error.str()):
            advertised.append(found[1])

    settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": note}
    try:
        admin = AdminClient({**login, **settings})
    except KafkaException as error:
        raise ConfigError(
            f"Kafka's client does not take this: {said(error)}", "kafka_properties", "correct it"
        ) from None
    try:
        return admin, admin.list_topics(topic, timeout=CONNECT_TIMEOUT_S)
    except KafkaException as error:
        admin.poll(0)
        if refused:
            raise refused[0] from None
        if advertised:
            raise misled(advertised[0], said(error), bootstrap) from None
        remedy = (
            "start Kafka (scripts/services start) or set --bootstrap (NoBrokersAvailable, "
            "KafkaTimeoutError elsewhere)"
        )
        raise ServiceUnreachable(
            f"no Kafka broker answers: {said(error)}", bootstrap, remedy
        ) from None


def misled(address: str, why: str, bootstrap: str) -> ServiceUnreachable:
    """The error for a broker that advertises an address that cannot be reached from here."""
    what = f"the broker says it is at {address}, which cannot be reached from here ({why})"
    return ServiceUnreachable(
        what, bootstrap, "correct the broker's advertised.listeners, or make that name resolve here"
    )


def largest_record(bootstrap: str, topic: str, login: Mapping[str, str]) -> int:
    """How many bytes a batch on the topic may have; a broker may create a missing topic. Raises
    what `cluster` raises."""
    end = time.monotonic() + CONNECT_TIMEOUT_S
    admin, known = cluster(bootstrap, login, topic)
    while known.topics[topic].error is not None or not known.topics[topic].partitions:
        if time.monotonic() > end:
            error = known.topics[topic].error
            if error is not None and (refused := refusal(error, f"{topic} on {bootstrap}")):
                raise refused
            raise ServiceUnreachable(
                f"the topic cannot be had: {error}", f"{topic} on {bootstrap}", "create the topic"
            )
        time.sleep(0.2)
        _, known = cluster(bootstrap, login, topic)
    try:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        configs = admin.describe_configs([resource])[resource].result(CONNECT_TIMEOUT_S)
        return int(configs["max.message.bytes"].value)
    except Unanswered:
        at = ", ".join(f"{broker.host}:{broker.port}" for broker in known.brokers.values())
        raise misled(at, "no answer", bootstrap) from None
    except KafkaException as error:
        log.warning(
            "the topic's max.message.bytes cannot be read (%s): %d is assumed",
            said(error),
            RECORD_BYTES,
        )
        return RECORD_BYTES


def partitions_of(bootstrap: str, topic: str, login: Mapping[str, str]) -> int:
    """How many partitions the topic has; 0 when there is no such topic, which is not created, or
    none that this user may see. Raises what `cluster` raises."""
    found = cluster(bootstrap, login)[1].topics.get(topic)
    return len(found.partitions) if found else 0


def said(error: Exception) -> str:
    """Kafka's own words, on one line."""
    cause = error.args[0] if error.args else error
    return str(cause.str() if isinstance(cause, KafkaError) else cause).replace("\n", " ")
