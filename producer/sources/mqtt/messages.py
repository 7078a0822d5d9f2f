"""Messages of a durable MQTT session, acknowledged when the spool has them.

Whatever dies, the broker sends again what was not acknowledged: each message becomes a record at
least once.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from paho.mqtt import client as mqtt

from config.errors import PipelineError, ServiceUnreachable
from producer.sources import Records, State
from producer.sources.identity import record_of
from producer.sources.mqtt.broker import QOS, Broker

START_S = 30.0  # a broker that never was connected is tried for this long
LONGEST_PAUSE_S = 30
# a message without acknowledgement (QoS 0) is limited by this alone; otherwise it is the broker
HELD = 10_000
QUICK_S, SLOW_S = 0.005, 0.5  # between two looks while messages wait for the spool, or none does
SHORT_S = 5.0  # a connection that ends sooner may be another client's doing
CLOSE_S = 5.0
POSITION = "session"  # the broker has a session of ours; where it stands, the broker knows

log = logging.getLogger("producer")


class _Arrived(NamedTuple):
    message: mqtt.MQTTMessage
    connection: int  # an acknowledgement belongs to the connection that brought the message


class Messages:
    """One record per message, without end; reconnects by itself. `kept` says how many of this
    run's records are on the disk; `had_session` whether the broker should know us.

    Messages of white space alone are no records: they are acknowledged and counted in `skipped`.
    Raises ConfigError, CredentialsError for what the broker refuses, ServiceUnreachable where none
    answers at the start. After the last record `close` acknowledges what is kept.
    """

    def __init__(
        self, broker: Broker, state: State, had_session: bool, kept: Callable[[], int]
    ) -> None:
        self._broker, self._state, self._kept = broker, state, kept
        self._had_session, self.skipped = had_session, 0
        self._arrived: queue.Queue[_Arrived] = queue.Queue(HELD)
        self._pending: deque[tuple[int, _Arrived]] = deque()  # (number of the record, message)
        self._handed_over = self._connection = 0
        self._since, self._closing = 0.0, threading.Event()
        self._connected = threading.Event()
        self._error: PipelineError | None = None
        # against an acknowledgement that goes to the next connection, where its number is another's
        self._alone = threading.RLock()
        self._client = broker.client()
        self._client.reconnect_delay_set(1, LONGEST_PAUSE_S)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def __iter__(self) -> Records:
        self._start()
        while True:
            if self._error:
                raise self._error
            self._acknowledge()
            try:
                arrived = self._arrived.get(timeout=QUICK_S if self._pending else SLOW_S)
            except queue.Empty:
                continue
            value = bytes(arrived.message.payload)
            if value and not value.isspace():
                self._handed_over += 1
                self._pending.append((self._handed_over, arrived))
                yield record_of(value)._replace(position=POSITION)
            else:
                self.skipped += 1
                self._pending.append((self._handed_over, arrived))

    def close(self) -> None:
        """Acknowledge what is kept, and disconnect; the session stays."""
        self._acknowledge()
        self._closing.set()
        self._client.disconnect()
        stop = threading.Thread(target=self._client.loop_stop, daemon=True)
        stop.start()
        stop.join(CLOSE_S)

    def _start(self) -> None:
        """Connect for the first time."""
        self._state.now, end, reason = "connecting", time.monotonic() + START_S, ""
        while True:
            try:
                self._broker.connect(self._client)
                break
            except OSError as error:
                reason = str(error)
            if time.monotonic() > end:
                raise self._unreachable(reason)
            time.sleep(1)
        self._client.loop_start()
        while not self._connected.wait(QUICK_S):
            if self._error:
                raise self._error
            if time.monotonic() > end:
                raise self._unreachable(f"no answer for {START_S:.0f} s")

    def _unreachable(self, reason: str) -> ServiceUnreachable:
        return ServiceUnreachable(
            f"no MQTT broker answers: {reason}",
            str(self._broker),
            "check the broker, the network and --mqtt-url",
        )

    def _acknowledge(self) -> None:
        """Acknowledge each message whose record is on the disk."""
        kept = self._kept() if self._pending else 0
        while self._pending and self._pending[0][0] <= kept:
            arrived = self._pending.popleft()[1]
            with self._alone:
                if arrived.connection == self._connection and arrived.message.qos:
                    self._client.ack(arrived.message.mid, arrived.message.qos)

    # What follows runs in the client's thread.

    def _on_connect(self, client: Any, _data: Any, flags: Any, code: Any, _more: Any) -> None:
        if code.is_failure:
            self._error = self._broker.refusal(code)
            self._state.now = f"the broker refuses: {code}"
            return
        if self._had_session and not flags.session_present:
            self._state.gaps += 1
            log.warning(
                "mqtt: %s no longer has the session of %r: what it received for it in between "
                "is lost (see its persistence and its expiry of sessions)",
                self._broker,
                self._broker.client_id,
            )
        self._had_session, self._since = True, time.monotonic()
        client.subscribe(self._broker.topic, QOS)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: Any, _more: Any) -> None:
        if codes[0].is_failure:
            self._error = self._broker.not_granted()
        else:
            self._state.now = "connected"
            self._connected.set()

    def _on_disconnect(self, *_arguments: Any) -> None:
        with self._alone:
            self._connection += 1
        if self._closing.is_set():
            return
        self._state.reconnects += 1
        self._state.now = "connection lost, connecting again"
        if time.monotonic() - self._since < SHORT_S:
            self._state.now += f" (has another client the id {self._broker.client_id!r}?)"

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        arrived = _Arrived(message, self._connection)
        while not self._closing.is_set():
            with suppress(queue.Full):
                self._arrived.put(arrived, timeout=SLOW_S)
                return
