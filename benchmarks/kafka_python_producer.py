"""The producer over kafka-python: every line of it but its client. `python -m
benchmarks.kafka_python_producer FLAGS…`

It takes the producer's own flags. The client has the settings that the producer gives to
librdkafka, by kafka-python's names.
"""

import threading
from collections import deque
from functools import partial
from typing import Any

from kafka import KafkaProducer

from config.errors import ServiceUnreachable, exit_with
from producer import __main__ as producer
from producer import run
from producer.publishing.publisher import BATCH_BYTES, IN_FLIGHT_BYTES, RECORD_OVERHEAD_BYTES
from producer.publishing.tally import Tally

SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "batch_size": BATCH_BYTES,
    "linger_ms": 20,
    "compression_type": None,
    "max_request_size": BATCH_BYTES + 48_588,
}


class KafkaPythonPublisher:
    """What `producer.publishing.publisher.Publisher` is to the sending thread, where a
    benchmark needs it: refused records end it."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        tally: Tally,
        forever: bool = False,
        login: object = None,  # noqa: ARG002  the benchmark's brokers ask for none
    ) -> None:
        self.failure = self.trouble = ""
        self.in_flight = self._bytes = 0
        self._topic, self._tally, self._forever = topic, tally, forever
        self._answers: deque[tuple[int, int, int, Any]] = deque()  # from kafka-python's own thread
        self._answered = threading.Event()
        self._client = KafkaProducer(bootstrap_servers=bootstrap, **SETTINGS)

    def publish(self, number: int, key: bytes | None, value: bytes | None) -> bool:
        """As there."""
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        if self.in_flight and self._bytes + size > IN_FLIGHT_BYTES:
            return False
        heard = partial(self._on_answer, number, size, len(value or b""))
        self._client.send(self._topic, value, key).add_both(heard)
        self.in_flight += 1
        self._bytes += size
        return True

    def settled(self, seconds: float) -> list[int]:
        """As there."""
        if not self._answers:
            self._answered.wait(seconds)
        self._answered.clear()
        while self._answers:
            number, size, value_bytes, answer = self._answers.popleft()
            self.in_flight -= 1
            self._bytes -= size
            if isinstance(answer, Exception):
                self.failure = self.failure or str(answer)
            else:
                self._tally.delivered(number, value_bytes)
        return self._tally.settled()

    def unreachable(self) -> ServiceUnreachable:
        """As there."""
        return ServiceUnreachable(self.failure)

    def close(self) -> list[int]:
        """As there."""
        self._client.close(timeout=1)
        return self.settled(0)

    def _on_answer(self, number: int, size: int, value_bytes: int, answer: Any) -> None:
        self._answers.append((number, size, value_bytes, answer))
        self._answered.set()


if __name__ == "__main__":
    run.Publisher = KafkaPythonPublisher  # type: ignore[assignment, misc]
    exit_with(producer.main)
