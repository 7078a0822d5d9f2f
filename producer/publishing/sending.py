"""The thread between the spool and Kafka: takes, publishes, crosses off; connects again and sends
again where it may."""

import threading
from collections.abc import Callable, Iterable

from config.errors import ServiceUnreachable
from producer.publishing.publisher import Publisher
from producer.spool.backlog import Backlog
from producer.spool.spool import Spool

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
TICK_S = 0.02
STOP_S = 5.0  # a connection may take this long to close


class Sender:
    """Sends what is in `records` from its own thread until it is stopped. `error` is what ended it
    before; then it calls `ended`.

    From the spool everything can be sent again: a failed connection is replaced, without end. From
    the backlog nothing can: the first failure ends the run. `trouble` says what keeps the
    records waiting.
    """

    def __init__(
        self, records: Spool | Backlog, connect: Callable[[], Publisher], ended: Callable[[], None]
    ) -> None:
        self.error: Exception | None = None
        self._records, self._connect, self._ended, self._again = (
            records,
            connect,
            ended,
            isinstance(records, Spool),
        )
        self._publisher = None if self._again else connect()
        self._trouble, self._progress, self._given_up = "", False, False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """What keeps records waiting; empty while Kafka acknowledges."""
        publisher = self._publisher
        return self._trouble or (publisher.trouble if publisher else "")

    def wait(self, seconds: float) -> None:
        """Wait for the thread's end, for up to `seconds`."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """End the thread; what is in flight is given up. A connection that cannot be let go within
        STOP_S is left behind."""
        self._stopping.set()
        self._thread.join(STOP_S)
        self._given_up = self._thread.is_alive()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                self._progress = False
                try:
                    self._session()
                except ServiceUnreachable as error:
                    if not self._again:
                        raise
                    self._trouble = error.what
                    pause_s = FIRST_PAUSE_S if self._progress else pause_s
                    self._stopping.wait(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        except Exception as error:  # whatever it is, the reading thread has to know
            self.error = error
            self._ended()

    def _session(self) -> None:
        """Publish over one connection until it fails or the end. Raises PipelineError."""
        if self._records.error:
            raise self._records.error
        self._records.rewind()
        publisher = self._publisher = self._publisher or self._connect()
        self._trouble = ""
        try:
            while not self._stopping.is_set():
                idle = not publisher.in_flight
                for number, key, value in self._records.take(TICK_S if idle else 0):
                    while not publisher.publish(number, key, value):
                        self._settle(publisher, TICK_S)
                        if self._stopping.is_set():
                            return
                self._settle(publisher, 0 if idle else TICK_S)
        finally:
            self._publisher = None
            self._cross_off(publisher.close())

    def _settle(self, publisher: Publisher, seconds: float) -> None:
        """Cross off what is acknowledged or rejected. Raises PipelineError when the connection has
        failed."""
        self._cross_off(publisher.settled(seconds))
        if publisher.failure:
            raise publisher.ended()
        if self._records.error:
            raise self._records.error

    def _cross_off(self, numbers: Iterable[int]) -> None:
        numbers = list(numbers)
        if numbers and not self._given_up:  # the spool is closed then
            self._records.cross_off(numbers)
            self._progress = True
