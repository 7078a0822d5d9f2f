"""Publishes records to a Kafka topic: acknowledged by all replicas, written once, a bounded number
in flight, every outcome counted."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from config.errors import PipelineError, ServiceUnreachable
from producer.publishing.access import refusal
from producer.publishing.brokers import largest_record, said
from producer.publishing.refused import Refused, Sent
from producer.publishing.tally import Tally

DELIVERY_TIMEOUT_MS = 120_000
IN_FLIGHT_BYTES = 32 * 1024 * 1024
BATCH_BYTES = 1_000_000
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


class Publisher:
    """A connection that publishes records one after the other, counting into `tally`; it belongs to
    one thread.

    With `forever` a record waits for the broker as long as it takes, without it
    DELIVERY_TIMEOUT_MS. `failure` says why no more will be delivered over this connection; whatever
    is not settled then may be on the topic or not. A record in a batch that the broker refused is
    sent again, by itself if it may be the cause; refused again it is rejected. `login` has
    librdkafka's properties of a secured Kafka. Raises ServiceUnreachable when no broker answers or
    the topic cannot be had, what `refusal` gives when the brokers refuse this client.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        tally: Tally,
        forever: bool = False,
        login: Mapping[str, str] | None = None,
    ) -> None:
        self.failure = self._said = ""
        self._cause: KafkaError | None = None
        self.in_flight = self._bytes = self._unserved = 0
        self._bootstrap, self._topic, self._tally = bootstrap, topic, tally
        self._refused = Refused()
        self._hopeless: list[tuple[Sent, str]] = []
        self._limit = min(largest_record(bootstrap, topic, login or {}), LIMIT_OF_LIMITS)
        self._client = Producer({
            **(login or {}),
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

    def ended(self) -> PipelineError:
        """`failure` as the error to end with: a refusal, otherwise ServiceUnreachable."""
        where = f"{self._topic} on {self._bootstrap}"
        what = f"records were not acknowledged: {self.failure}"
        refused = refusal(self._cause, where) if self._cause else None
        return refused or ServiceUnreachable(what, where, "see to the broker")

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
            self._fail(error)

    def _fail(self, error: KafkaError) -> None:
        self.failure, self._cause = self.failure or error.str(), self._cause or error

    def _on_error(self, error: KafkaError) -> None:
        self._said = error.str()
        if error.fatal():
            self._fail(error)
