"""Brings records onto a Kafka topic: acknowledged by all replicas, written once, bounded in flight, every outcome counted."""

import hashlib
import logging
import re
import time
from concurrent.futures import TimeoutError as Unanswered
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ResourceType  # type: ignore[attr-defined]

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from producer.ledger import Ledger

CONNECT_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_MS = 120_000
IN_FLIGHT_BYTES = 32 * 1024 * 1024
BATCH_BYTES = 1_000_000
RECORD_BYTES = 1_048_588  # the largest batch that brokers take by default
RECORD_OVERHEAD_BYTES = 100  # a batch's head and a record's own, at most
SERVE_EVERY = 256  # records between two looks at what has been acknowledged
_ADVERTISED = re.compile(r"(?:\w+://)?(\S+:\d+)/\d+: ")  # so librdkafka's errors begin for a broker known by its own word

log = logging.getLogger("producer")


@dataclass
class Tally:
    """What has become of the records, over all connections of a run; `bytes` are those of the acknowledged values."""

    acked: int = 0
    rejected: int = 0
    bytes: int = 0


def check_names(bootstrap: str, topic: str) -> None:
    """Raise ConfigError for what can be no broker's address and no topic's name."""
    if not all(re.fullmatch(r"\S+:\d{1,5}", address) for address in bootstrap.split(",")):
        raise ConfigError("not a broker address", bootstrap, "set --bootstrap to host:port")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic):
        raise ConfigError(f"not a topic's name: {topic!r}", "--topic", "use letters, digits, dot, underscore and hyphen")


def cluster(bootstrap: str, topic: str | None = None) -> tuple[AdminClient, ClusterMetadata]:
    """A client, and what the brokers say of themselves and of the topic, or of all. Raises ServiceUnreachable.

    The question may go to the address given or to one that came in answer; which of them does not answer only the errors tell.
    """
    advertised: list[str] = []

    def note(error: KafkaError) -> None:
        if found := _ADVERTISED.match(error.str()):
            advertised.append(found[1])

    settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": note}
    admin = AdminClient(settings)
    try:
        return admin, admin.list_topics(topic, timeout=CONNECT_TIMEOUT_S)
    except KafkaException as error:
        admin.poll(0)
        if advertised:
            raise misled(advertised[0], said(error), bootstrap) from None
        remedy = "start Kafka (scripts/services start) or set --bootstrap (NoBrokersAvailable, KafkaTimeoutError elsewhere)"
        raise ServiceUnreachable(f"no Kafka broker answers: {said(error)}", bootstrap, remedy) from None


def misled(address: str, why: str, bootstrap: str) -> ServiceUnreachable:
    """The error for a broker that gives an address of itself that is none from here."""
    what = f"the broker says it is at {address}, where nobody is reached from here ({why})"
    return ServiceUnreachable(what, bootstrap, "mend the broker's advertised.listeners, or make that name known here")


def largest_record(bootstrap: str, topic: str) -> int:
    """How many bytes a batch on the topic may have; a broker may create a missing topic. Raises ServiceUnreachable."""
    end = time.monotonic() + CONNECT_TIMEOUT_S
    admin, known = cluster(bootstrap, topic)
    while known.topics[topic].error is not None or not known.topics[topic].partitions:
        if time.monotonic() > end:
            error = known.topics[topic].error
            raise ServiceUnreachable(f"the topic cannot be had: {error}", f"{topic} on {bootstrap}", "create the topic")
        time.sleep(0.2)
        _, known = cluster(bootstrap, topic)
    try:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        configs = admin.describe_configs([resource])[resource].result(CONNECT_TIMEOUT_S)
        return int(configs["max.message.bytes"].value)
    except Unanswered:
        at = ", ".join(f"{broker.host}:{broker.port}" for broker in known.brokers.values())
        raise misled(at, "no answer", bootstrap) from None
    except KafkaException as error:
        log.warning("the topic's max.message.bytes cannot be read (%s): %d is assumed", said(error), RECORD_BYTES)
        return RECORD_BYTES


def partitions_of(bootstrap: str, topic: str) -> int:
    """How many partitions the topic has; 0 when there is no such topic, which is not created. Raises ServiceUnreachable."""
    found = cluster(bootstrap)[1].topics.get(topic)
    return len(found.partitions) if found else 0


def said(error: Exception) -> str:
    """Kafka's own words, on one line."""
    cause = error.args[0] if error.args else error
    return str(cause.str() if isinstance(cause, KafkaError) else cause).replace("\n", " ")


class Publisher:
    """A connection that publishes records one after the other, counting into `tally`; it belongs to one thread.

    With `forever` a record waits for the broker as long as it takes, without it DELIVERY_TIMEOUT_MS. `failure` says why no more
    will be delivered over this connection; whatever is not settled then may be on the topic or not.
    Raises ServiceUnreachable when no broker answers or the topic cannot be had.
    """

    def __init__(self, bootstrap: str, topic: str, tally: Tally, ledger: Ledger | None = None, forever: bool = False) -> None:
        self.failure = self.trouble = ""
        self.in_flight = self._unserved = 0
        self._bootstrap, self._topic, self._tally, self._ledger = bootstrap, topic, tally, ledger
        self._settled: list[int] = []
        self._limit = largest_record(bootstrap, topic)
        self._client = Producer({
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0 if forever else DELIVERY_TIMEOUT_MS,
            "partitioner": "murmur2_random",  # where Kafka's own clients put a key
            "linger.ms": 20,
            "message.max.bytes": max(self._limit, 1000),
            "batch.size": min(self._limit, BATCH_BYTES),
            "queue.buffering.max.kbytes": IN_FLIGHT_BYTES // 1024,
            "log_level": 0,
            "error_cb": self._on_error,
        })  # fmt: skip

    def publish(self, number: int, key: bytes | None, value: bytes | None) -> bool:
        """Hand one record over under its number; a value of None needs a key.

        False when it was not taken: too much is in flight, or `failure` says why.
        """
        size = len(key or b"") + len(value or b"")
        if size + RECORD_OVERHEAD_BYTES > self._limit:
            self._reject(number, key, size)
            return True
        digest = hashlib.sha256(value).hexdigest() if self._ledger is not None and value is not None else None
        try:
            self._client.produce(self._topic, value, key, on_delivery=partial(self._on_delivery, number, digest))
        except BufferError:
            return False
        except KafkaException as error:
            self.failure = self.failure or said(error)
            return False
        self.in_flight += 1
        self._unserved += 1
        if self._unserved == SERVE_EVERY:
            self._unserved = 0
            self._client.poll(0)
        return True

    def settled(self, seconds: float) -> list[int]:
        """The numbers of the records that were acknowledged or rejected since; waits at most so long for the first.

        An acknowledged record's line is in the ledger by then. Raises PipelineError when it cannot be written there.
        """
        self._client.poll(0 if self._settled else seconds)
        settled, self._settled = self._settled, []
        if settled and self._ledger is not None:
            try:
                self._ledger.flush()
            except OSError as error:
                raise PipelineError(f"cannot write the ledger: {error.strerror}", "--ledger", "free some disk space") from None
        return settled

    def unreachable(self) -> PipelineError:
        """`failure` as the error to end with."""
        return ServiceUnreachable(
            f"records were not acknowledged: {self.failure}", f"{self._topic} on {self._bootstrap}", "see to the broker"
        )

    def close(self) -> None:
        """Forget what is in flight, and the connection."""
        with suppress(KafkaException):
            self._client.purge()
        self._client.close()

    def _on_delivery(self, number: int, digest: str | None, error: KafkaError | None, record: Message) -> None:
        self.in_flight -= 1
        if error is not None:
            self.failure = self.failure or error.str()
            return
        if self._ledger is not None:
            self._ledger.write(self._topic, record.partition() or 0, record.offset() or 0, record.key(), digest)
        self._tally.acked += 1
        self._tally.bytes += len(record)
        self._settled.append(number)
        self.trouble = ""

    def _on_error(self, error: KafkaError) -> None:
        self.trouble = error.str()
        if error.fatal():
            self.failure = self.failure or error.str()

    def _reject(self, number: int, key: bytes | None, size: int) -> None:
        self._tally.rejected += 1
        self._settled.append(number)
        log.warning("rejected: a record of %d bytes, key %r: too large for %s", size, (key or b"")[:80], self._topic)
