"""Brings records onto a Kafka topic: acknowledged by all replicas, written once, bounded in flight, every outcome counted."""

import hashlib
import logging
import re
import threading
import time
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from producer.ledger import Ledger

CONNECT_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_MS = 120_000
AFTER_FAILURE_S = 5.0
MAX_RECORD_BYTES = 1_048_576  # as brokers allow by default
IN_FLIGHT_BYTES = 32 * 1024 * 1024
RECORD_OVERHEAD_BYTES = 1_000  # what the client keeps beside key and value until the ack

log = logging.getLogger("producer")


def connect(bootstrap: str, **options: Any) -> KafkaProducer:
    """A producer client that has reached a broker of `bootstrap`; `options` are kafka-python's own. Raises ServiceUnreachable."""
    remedy = "start Kafka (scripts/services start) or set --bootstrap"
    try:
        return KafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
            max_block_ms=CONNECT_TIMEOUT_MS,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            max_request_size=MAX_RECORD_BYTES,
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            batch_size=128 * 1024,
            **options,
        )
    except KafkaTimeoutError:
        raise ServiceUnreachable("no Kafka broker answers", bootstrap, remedy) from None
    except KafkaError as error:
        raise ServiceUnreachable(f"the Kafka broker does not take us: {error}", bootstrap, remedy) from None
    except ValueError as error:
        raise ConfigError(f"not a broker address: {error}", bootstrap, "set --bootstrap to host:port") from None


def partitions_of(client: KafkaProducer, bootstrap: str, topic: str) -> int:
    """How many partitions the topic has; a broker may create a missing one. Raises ServiceUnreachable, ConfigError."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic):
        raise ConfigError(f"not a topic's name: {topic!r}", "--topic", "use letters, digits, dot, underscore and hyphen")
    try:
        return len(client.partitions_for(topic))
    except KafkaError as error:
        raise ServiceUnreachable(f"the topic cannot be had: {error}", f"{topic} on {bootstrap}", "create the topic") from None


class Publisher:
    """Publishes records one after the other. The counters only grow; `acked_bytes` counts the values' bytes.

    After `finish` every record that was offered is acked, failed or rejected. `publish` and `finish` belong to one thread,
    the acknowledgements arrive in another.
    """

    def __init__(self, bootstrap: str, topic: str, ledger: Ledger | None = None) -> None:
        self.offered = self.acked = self.failed = self.rejected = self.acked_bytes = 0
        self._bootstrap, self._topic, self._ledger = bootstrap, topic, ledger
        self._error: Exception | None = None
        self._sent = self._sent_bytes = self._settled = self._settled_bytes = 0
        self._settling, self._room, self._waiting = threading.Lock(), threading.Event(), False
        self._client = connect(bootstrap)
        partitions_of(self._client, bootstrap, topic)

    def publish(self, key: bytes | None, value: bytes | None) -> None:
        """Hand one record over; waits while too much is in flight. A value of None needs a key.

        Raises PipelineError once an earlier record could not be delivered: what comes after would only fail later.
        """
        self.offered += 1
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        if self._sent_bytes + size - self._settled_bytes > IN_FLIGHT_BYTES:
            self._wait_for_room()
        future = self._send(key, value) if self._error is None else None
        if self._error is not None:
            with self._settling:
                self.failed += 1
            self._raise_failure()
        if future is None:
            self._reject(key, size)
            return
        self._sent += 1
        self._sent_bytes += size
        digest = hashlib.sha256(value).hexdigest() if self._ledger is not None and value is not None else None
        future.add_callback(self._on_ack, size, key, digest)
        future.add_errback(self._on_failure, size, key)

    def finish(self) -> None:
        """Wait until every record handed over is acknowledged or has failed, at most the delivery timeout.

        Raises PipelineError when any has failed; those without an answer by then have.
        """
        begin = time.monotonic()
        while self._settled < self._sent and time.monotonic() - begin < self._patience_s():
            # the client's flush gives up early when a batch had to be split: what counts is what is settled
            with suppress(KafkaError):
                self._client.flush(timeout=1.0)
            self._room.wait(0.05)
        with suppress(KafkaError):
            self._client.close(timeout=1.0)
        with self._settling:
            unsettled = self._sent - self._settled
            self.failed += unsettled
            if unsettled:
                self._error = self._error or KafkaTimeoutError("no answer in time")
        self.flush_ledger()
        self._raise_failure()

    def _patience_s(self) -> float:
        """After a first failure the client may wait for the broker for ever before it gives up the others; we do not."""
        return AFTER_FAILURE_S if self._error is not None else DELIVERY_TIMEOUT_MS / 1000 + AFTER_FAILURE_S

    def flush_ledger(self) -> None:
        """Bring the ledger's lines to its file; a failure is raised by the next `publish` or by `finish`."""
        try:
            if self._ledger is not None:
                self._ledger.flush()
        except OSError as error:
            self._error = error

    def _send(self, key: bytes | None, value: bytes | None) -> Any:
        """The client's future; None for a record larger than a request may be."""
        try:
            return self._client.send(self._topic, value, key)
        except MessageSizeTooLargeError:
            return None
        except KafkaError as error:
            self._error = error
            return None

    def _wait_for_room(self) -> None:
        """Sleep until half of what may be in flight is settled: waking for each ack would cost more than the sending."""
        self._waiting = True
        while self._sent_bytes - self._settled_bytes > IN_FLIGHT_BYTES // 2 and self._error is None:
            self._room.wait(0.1)
            self._room.clear()
        self._waiting = False

    def _on_ack(self, size: int, key: bytes | None, digest: str | None, metadata: Any) -> None:
        if self._ledger is not None:  # before it counts as settled: `finish` flushes the ledger when all are
            try:
                self._ledger.write(metadata.topic, metadata.partition, metadata.offset, key, digest)
            except OSError as error:
                self._error = error
        with self._settling:
            self.acked += 1
            self.acked_bytes += max(metadata.serialized_value_size, 0)
            self._settle(size)

    def _on_failure(self, size: int, key: bytes | None, error: Exception) -> None:
        too_large = isinstance(error, (MessageSizeTooLargeError, RecordListTooLargeError))
        with self._settling:
            self.failed += not too_large
            self._settle(size)
        if too_large:
            self._reject(key, size)
        else:
            self._error = self._error or error

    def _settle(self, size: int) -> None:
        self._settled += 1
        self._settled_bytes += size
        if self._waiting and self._sent_bytes - self._settled_bytes <= IN_FLIGHT_BYTES // 2:
            self._room.set()

    def _reject(self, key: bytes | None, size: int) -> None:
        with self._settling:
            self.rejected += 1
        shown = (key or b"")[:80]
        log.warning("rejected: a record of %d bytes, key %r: too large for %s", size - RECORD_OVERHEAD_BYTES, shown, self._topic)

    def _raise_failure(self) -> None:
        if isinstance(self._error, OSError):
            raise PipelineError(f"cannot write the ledger: {self._error.strerror}", "--ledger", "free some disk space")
        if self._error is not None:
            raise ServiceUnreachable(
                f"{self.failed} records were not acknowledged: {self._error}",
                f"{self._topic} on {self._bootstrap}",
                "see to the broker",
            )
