"""Publishes records to a Kafka topic: acknowledged by all replicas, written once, a bounded number
in flight, every outcome counted."""

import hashlib
import logging
import re
import time
from concurrent.futures import TimeoutError as Unanswered
from contextlib import suppress
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
)

from config.errors import ConfigError, ServiceUnreachable
from producer.publishing.refused import Refused, Sent
from producer.publishing.tally import Tally

CONNECT_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_MS = 120_000
IN_FLIGHT_BYTES = 32 * 1024 * 1024
BATCH_BYTES = 1_000_000
RECORD_BYTES = 1_048_588  # the largest batch that brokers take by default
RECORD_OVERHEAD_BYTES = 100  # a batch's head and a record's own, at most
LIMIT_OF_LIMITS = 1_000_000_000  # librdkafka knows no larger records
SERVE_EVERY = 256  # records between two looks at what has been acknowledged
CLOSE_S = 1.0
# What a broker says of a record that it will not take later either, of its batch, and of the others
# in that batch.
_REFUSED = (
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.POLICY_VIOLATION,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError._INVALID_DIFFERENT_RECORD,
)
_PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
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


def cluster(bootstrap: str, topic: str | None = None) -> tuple[AdminClient, ClusterMetadata]:
    """A client, and what the brokers say of themselves and of the topic, or of all. Raises
    ServiceUnreachable.

    The question may go to the address given or to one that came in answer; which of them does not
    answer only the errors tell.
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


def largest_record(bootstrap: str, topic: str) -> int:
    """How many bytes a batch on the topic may have; a broker may create a missing topic. Raises
    ServiceUnreachable."""
    end = time.monotonic() + CONNECT_TIMEOUT_S
    admin, known = cluster(bootstrap, topic)
    while known.topics[topic].error is not None or not known.topics[topic].partitions:
        if time.monotonic() > end:
            error = known.topics[topic].error
            raise ServiceUnreachable(
                f"the topic cannot be had: {error}", f"{topic} on {bootstrap}", "create the topic"
            )
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
        log.warning(
            "the topic's max.message.bytes cannot be read (%s): %d is assumed",
            said(error),
            RECORD_BYTES,
        )
        return RECORD_BYTES


def partitions_of(bootstrap: str, topic: str) -> int:
    """How many partitions the topic has; 0 when there is no such topic, which is not created.
    Raises ServiceUnreachable."""
    found = cluster(bootstrap)[1].topics.get(topic)
    return len(found.partitions) if found else 0


def said(error: Exception) -> str:
    """Kafka's own words, on one line."""
    cause = error.args[0] if error.args else error
    return str(cause.str() if isinstance(cause, KafkaError) else cause).replace("\n", " ")


class Publisher:
    """A connection that publishes records one after the other, counting into `tally`; it belongs to
    one thread.

    With `forever` a record waits for the broker as long as it takes, without it
    DELIVERY_TIMEOUT_MS. `failure` says why no more will be delivered over this connection; whatever
    is not settled then may be on the topic or not. A record in a batch that the broker refused is
    sent again, by itself if it may be the cause; refused again it is rejected. Raises
    ServiceUnreachable when no broker answers or the topic cannot be had.
    """

    def __init__(self, bootstrap: str, topic: str, tally: Tally, forever: bool = False) -> None:
        self.failure = self._said = ""
        self.in_flight = self._bytes = self._unserved = 0
        self._bootstrap, self._topic, self._tally = bootstrap, topic, tally
        self._refused = Refused()
        self._hopeless: list[tuple[Sent, str]] = []
        self._limit = min(largest_record(bootstrap, topic), LIMIT_OF_LIMITS)
        self._client = Producer({
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0 if forever else DELIVERY_TIMEOUT_MS,
            "partitioner": "murmur2_random",  # where Kafka's own clients put a key
            "linger.ms": 20,
            "message.max.bytes": max(self._limit, 1000),
            "batch.size": min(self._limit, BATCH_BYTES),
            # what is in flight is bounded here
            "queue.buffering.max.kbytes": 2 * max(IN_FLIGHT_BYTES, self._limit) // 1024,
            "log_level": 0,
            "error_cb": self._on_error,
        })  # fmt: skip

    @property
    def trouble(self) -> str:
        """What keeps records waiting: Kafka's own words, or the ledger's."""
        return self._tally.trouble or self._said

    def publish(self, number: int, key: bytes | None, value: bytes | None) -> bool:
        """Hand one record over under its number; a value of None needs a key.

        False when it was not taken: too much is in flight, refused ones come first, or `failure`
        says why. Raises PipelineError when it is too large and cannot be set aside.
        """
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        if size > self._limit:
            self._tally.reject(
                number,
                key,
                value,
                f"too large for {self._topic}, which takes {self._limit:,} bytes",
            )
            return True
        full = self.in_flight and self._bytes + size > IN_FLIGHT_BYTES
        if self.failure or self._refused.pending or self._tally.blocked or full:
            return False
        return self._send(number, key, value, size)

    def _send(self, number: int, key: bytes | None, value: bytes | None, size: int) -> bool:
        digest = (
            hashlib.sha256(value).hexdigest()
            if self._tally.ledger is not None and value is not None
            else None
        )
        try:
            self._client.produce(
                self._topic,
                value,
                key,
                on_delivery=partial(self._on_delivery, number, size, digest),
            )
        except BufferError:
            return False
        except KafkaException as error:
            self.failure = self.failure or said(error)
            return False
        self.in_flight += 1
        self._bytes += size
        self._unserved += 1
        if self._unserved == SERVE_EVERY:
            self._unserved = 0
            self._client.poll(0)
        return True

    def settled(self, seconds: float) -> list[int]:
        """The numbers of the records that were acknowledged or rejected since; waits up to
        `seconds` for the first.

        An acknowledged record's line is in the ledger by then. Raises PipelineError when that, or a
        rejected record, cannot be written.
        """
        if self._refused.alone:
            self._client.flush(seconds)  # there is nothing to linger for
        else:
            self._client.poll(seconds)
        if self._refused.pending and not self.in_flight:
            for number, key, value in self._refused.take():
                self._send(
                    number, key, value, RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
                )
        return self._settled()

    def _settled(self) -> list[int]:
        while self._hopeless:
            record, reason = self._hopeless.pop()
            self._tally.reject(*record, reason)
        return self._tally.settled()

    def unreachable(self) -> ServiceUnreachable:
        """`failure` as the error to end with."""
        return ServiceUnreachable(
            f"records were not acknowledged: {self.failure}",
            f"{self._topic} on {self._bootstrap}",
            "see to the broker",
        )

    def close(self) -> list[int]:
        """Close the connection and forget what is in flight; returns what was settled until then.
        Raises PipelineError."""
        with suppress(KafkaException):
            self._client.purge()
            self._client.flush(CLOSE_S)  # what was acknowledged meanwhile is heard
        self._client.close()
        settled = self._settled()
        self._tally.forget()
        return settled

    def _on_delivery(
        self, number: int, size: int, digest: str | None, error: KafkaError | None, record: Message
    ) -> None:
        """Called out of poll, flush and close: it raises nothing."""
        self.in_flight -= 1
        self._bytes -= size
        alone = self._refused.back(number)
        if error is None:
            if self._tally.ledger is not None:
                place = record.partition() or 0, record.offset() or 0
                self._tally.ledger.write(self._topic, *place, record.key(), digest)
            self._tally.delivered(number, len(record))
            self._said = ""
        elif error.code() in _REFUSED:
            sent = Sent(number, record.key(), record.value())
            if alone:
                self._hopeless.append((sent, error.str()))
            else:
                self._refused.add(sent, error.code() != KafkaError._INVALID_DIFFERENT_RECORD)
        elif error.code() not in _PURGED:
            self.failure = self.failure or error.str()

    def _on_error(self, error: KafkaError) -> None:
        self._said = error.str()
        if error.fatal():
            self.failure = self.failure or error.str()
