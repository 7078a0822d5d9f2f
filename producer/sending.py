"""The thread between the spool and Kafka: takes, publishes, crosses off; connects again and sends again where it may."""

import threading
from collections.abc import Callable

from config.errors import ServiceUnreachable
from producer.backlog import Backlog
from producer.publisher import Publisher
from producer.spool import Spool

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
TICK_S = 0.02


class Sender:
    """Sends what is in `records` from its own thread until it is stopped. `error` is what ended it before.

    Out of the spool everything can be sent again: a connection that fails is replaced, for ever. Out of the backlog it cannot:
    the first failure is the end. `trouble` says what keeps the records waiting.
    """

    def __init__(self, records: Spool | Backlog, connect: Callable[[], Publisher]) -> None:
        self.error: Exception | None = None
        self._records, self._connect, self._again = records, connect, isinstance(records, Spool)
        self._publisher = None if self._again else connect()
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Kafka's own words; empty while it acknowledges."""
        publisher = self._publisher
        return self._trouble or (publisher.trouble if publisher else "")

    def wait(self, seconds: float) -> None:
        """Wait for the thread's end, at most so long."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """End the thread; what is in flight is given up."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                try:
                    if self._session():
                        pause_s = FIRST_PAUSE_S
                except ServiceUnreachable as error:
                    if not self._again:
                        raise
                    self._trouble = error.what
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        except Exception as error:  # whatever it is, the reading thread has to know
            self.error = error

    def _session(self) -> bool:
        """Publish over one connection until it fails or the end; True when anything was acknowledged. Raises PipelineError."""
        self._records.rewind()
        publisher = self._publisher = self._publisher or self._connect()
        self._trouble, progress = "", False
        try:
            while not self._stopping.is_set():
                idle = not publisher.in_flight
                for number, key, value in self._records.take(TICK_S if idle else 0):
                    while not publisher.publish(number, key, value):
                        progress |= self._settle(publisher, TICK_S)
                        if self._stopping.is_set():
                            return progress
                progress |= self._settle(publisher, 0 if idle else TICK_S)
            return self._settle(publisher, 0) or progress
        finally:
            self._publisher = None
            publisher.close()

    def _settle(self, publisher: Publisher, seconds: float) -> bool:
        """Cross off what is acknowledged; whether anything was. Raises ServiceUnreachable when the connection has failed."""
        settled = publisher.settled(seconds)
        self._records.cross_off(settled)
        if publisher.failure:
            raise publisher.unreachable()
        return bool(settled)
