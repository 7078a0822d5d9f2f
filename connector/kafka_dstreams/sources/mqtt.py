"""MQTT as a source: at least once, by QoS 1, a durable session and acknowledgements of our own."""

from __future__ import annotations

import collections
import time
from typing import Any, Sequence
from urllib.parse import urlsplit

from kafka_dstreams.sources import REFERENCE, GiveUp, Message, Source, secret, without_password

PORTS = {"tcp": 1883, "mqtt": 1883, "ssl": 8883, "mqtts": 8883}
KEEPALIVE_S = 60
# what a broker still sends without an acknowledgement is there at once; this long nothing: a full
# window, or silence
QUIET_S = 0.005
# reason codes of a refusal that the same CONNECT would meet again
FOR_GOOD = (132, 133, 134, 135, 138, 140)


class MQTT(Source):
    """Messages of one topic filter, or of several; the key is the topic.

    `client_id` names the session that the broker keeps while nobody is connected, for
    `session_expiry_s`: like a consumer group's name, one running receiver each. `password` is a
    reference (`secret`). QoS 0 loses what is not stored yet; 2 is refused, because clients
    acknowledge it before it is stored.
    """

    def __init__(
        self,
        broker_url: str,
        topics: str | Sequence[str],
        client_id: str,
        qos: int = 1,
        session_expiry_s: int = 3600,
        username: str | None = None,
        password: str | None = None,
        ends_session: bool = False,
    ) -> None:
        if qos not in (0, 1):
            raise ValueError(
                f"QoS {qos}: an MQTT client confirms QoS 2 before its message is stored, so a "
                "crash would lose it; QoS 1 does not (it may come twice)"
            )
        if not client_id:
            raise ValueError("client_id should name this receiver's session, as group.id does")
        if password is not None and not REFERENCE.fullmatch(password):
            raise ValueError("password should be a reference: ${env:NAME} or ${file:PATH:KEY}")
        self.broker_url = without_password(broker_url)
        self.topics = [topics] if isinstance(topics, str) else list(topics)
        self.client_id, self.qos, self.session_expiry_s = client_id, qos, session_expiry_s
        self.username, self.password, self.ends_session = username, password, ends_session
        self.name = ",".join(self.topics)

    def open(self) -> None:
        """Connect and subscribe. Raises GiveUp where the broker refuses for good."""
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        url = urlsplit(secret(self.broker_url))
        if url.scheme not in PORTS:
            raise GiveUp(f"broker URL: {url.scheme}:// is none of {', '.join(PORTS)}")
        self.came: Any = collections.deque()
        self.unacked: list[Any] = []
        self.sent, self.full = 0, 1
        self.failure: Exception | None = None
        self.subscribed = False
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, self.client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        self.client.on_message = lambda _client, _data, message: self.came.append(message)
        self.client.on_connect = self._connected
        self.client.on_subscribe = self._subscribed
        self.client.on_disconnect = self._disconnected
        user, password = self.username or url.username, self.password or url.password
        if user:
            self.client.username_pw_set(user, secret(password) if password else None)
        if PORTS[url.scheme] == 8883:
            self.client.tls_set()
        keeping = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        keeping.SessionExpiryInterval = self.session_expiry_s
        keeping.ReceiveMaximum = 65_535
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        self.client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=keeping)
        end = time.monotonic() + 30
        while not self.subscribed:
            self._turn(0.1)
            if time.monotonic() > end:
                raise TimeoutError(f"{host}:{port}: no answer to CONNECT within 30 s")

    def poll(self, limit: int, wait: float) -> list[Message]:
        """What has come; earlier than `wait` when the broker has gone quiet: its window may be
        full."""
        end = time.monotonic() + wait
        if self.sent:  # it was full at `sent` if more comes as soon as these are acknowledged
            self.full = self.sent if self._turn(QUIET_S) else max(self.full, self.sent + 1)
        out: list[Message] = []
        while len(out) < limit:
            while self.came and len(out) < limit:
                message = self.came.popleft()
                self.unacked.append((message.mid, message.qos))
                out.append(Message(message.payload, message.topic.encode()))
            left, early = end - time.monotonic(), len(out) >= self.full
            if left <= 0 or len(out) == limit:
                break
            if not self._turn(min(left, QUIET_S) if early else left) and early:
                break
        self.sent = len(out)
        return out

    def ack(self) -> None:
        """Send PUBACK for what is stored."""
        for mid, qos in self.unacked:
            self.client.ack(mid, qos)
        self.unacked.clear()

    def close(self) -> None:
        """Leave; the broker keeps the session, unless it was made for this run only."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        leaving = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        leaving.SessionExpiryInterval = 0 if self.ends_session else self.session_expiry_s
        self.client.on_disconnect = None
        self.client.disconnect(properties=leaving)

    def _turn(self, seconds: float) -> bool:
        """Let paho read and write for up to `seconds`; returns whether messages are there."""
        self.client.loop(seconds)
        if self.failure is not None:
            raise self.failure
        return bool(self.came)

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            kind = GiveUp if reason.value in FOR_GOOD else ConnectionError
            self.failure = kind(f"the broker refuses client {self.client_id}: {reason}")
        else:
            client.subscribe([(topic, self.qos) for topic in self.topics])

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: Any, _more: Any) -> None:
        refused = [f"{t}: {r}" for t, r in zip(self.topics, reasons) if r.is_failure]
        if refused:
            self.failure = GiveUp(f"the broker refuses to subscribe: {'; '.join(refused)}")
        self.subscribed = True

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if self.failure is None:
            self.failure = ConnectionError(f"the broker is gone: {reason}")
