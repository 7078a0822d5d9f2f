"""An MQTT broker: its address, the log-in, and a client for it.

MQTT 3.1.1, which every broker speaks, and QoS 1: with QoS 2 the broker forgets a message before it
is on our disk (the receipt, PUBREC, is sent at once), so a crash would lose it.
"""

import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable
from config.references import is_reference, resolved
from config.settings import Settings

QOS = 1
KEEPALIVE_S = 30  # a connection that is half open is noticed within one and a half times this
LOOK_S = 10.0
PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """Where it is, who we are, and what we want; `password` is a reference, or empty."""

    host: str
    port: int
    tls: bool
    topic: str
    client_id: str
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self, client_id: str = "") -> mqtt.Client:
        """A client that is not connected yet, acknowledges nothing by itself, and has a durable
        session under our id, or a passing one under another `client_id`.

        Raises ConfigError, CredentialsError for what the broker could not be told.
        """
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id or self.client_id,
            clean_session=bool(client_id),
            manual_ack=True,
        )
        if self.user:
            client.username_pw_set(self.user, resolved(self.password) if self.password else None)
        if self.tls:
            try:
                context = ssl.create_default_context(cafile=self.ca or None)
                if self.certificate:
                    context.load_cert_chain(self.certificate, self.key or None)
            except (OSError, ValueError) as error:
                where = f"{self.ca} {self.certificate} {self.key}".strip()
                raise ConfigError(
                    f"the PEM files cannot be used: {error}", where, "see --mqtt-ca"
                ) from None
            client.tls_set_context(context)
        return client

    def connect(self, client: mqtt.Client) -> None:
        """Open the connection; the broker's answer comes by `on_connect`. Raises OSError;
        ConfigError where the broker's certificate is not to be trusted."""
        try:
            client.connect(self.host, self.port, KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            raise ConfigError(
                f"the broker's certificate is not trusted: {error.verify_message}",
                str(self),
                "give --mqtt-ca, and in --mqtt-url the name that the certificate has",
            ) from None

    def refusal(self, code: ReasonCode) -> PipelineError | None:
        """What a refused connection ends the run with; None where trying again can help."""
        if code.getName() in ("Bad user name or password", "Not authorized"):
            return CredentialsError(
                f"the broker refuses the log-in: {code}",
                str(self),
                "check --mqtt-user, --mqtt-password and the broker's list of client ids",
            )
        if code.getName() in ("Client identifier not valid", "Unsupported protocol version"):
            return ConfigError(f"the broker refuses: {code}", str(self), "check --mqtt-client-id")
        return None

    def not_granted(self) -> CredentialsError:
        """What a refused subscription ends the run with."""
        return CredentialsError(
            f"the broker refuses the subscription to {self.topic!r}",
            str(self),
            "check --mqtt-topic and the broker's access list",
        )


def of(chosen: Settings) -> Broker:
    """The broker that the settings describe. Raises ConfigError; CredentialsError for a password
    that stands in clear."""
    url = urlsplit(chosen.mqtt_url)
    try:
        port = url.port or PORTS.get(url.scheme, 0)
    except ValueError:
        port = 0
    if url.scheme not in PORTS or not url.hostname or url.path.strip("/") or not port:
        raise ConfigError(
            f"not the address of an MQTT broker: {chosen.mqtt_url.rpartition('@')[2]!r}",
            "--mqtt-url",
            "give mqtt://HOST or mqtts://HOST (TLS), with :PORT where it is another",
        )
    if "@" in url.netloc:
        remedy = "use --mqtt-user and --mqtt-password; change a password that was typed"
        raise CredentialsError("an address may hold no log-in", "--mqtt-url", remedy)
    _need(chosen)
    paths = {
        name: str(Path(path).absolute()) if (path := chosen.values[f"mqtt_{name}"]) else ""
        for name in ("ca", "certificate", "key")
    }
    if any(paths.values()) and url.scheme != "mqtts":
        raise ConfigError("certificates want TLS", "--mqtt-url", f"give mqtts://{url.hostname}")
    return Broker(
        url.hostname,
        port,
        url.scheme == "mqtts",
        chosen.mqtt_topic,
        chosen.mqtt_client_id,
        chosen.mqtt_user,
        chosen.mqtt_password,
        **paths,
    )


def _need(chosen: Settings) -> None:
    """Raises for a setting that is missing, or that is not what it should be."""
    if not chosen.mqtt_client_id:
        raise ConfigError(
            "the broker keeps messages for a client id, and none is given",
            "--mqtt-client-id",
            "choose one that no other client uses, and keep it: another id is another session",
        )
    topic = chosen.mqtt_topic
    levels = topic.split("/")
    wrong = any(len(level) > 1 and set(level) & {"+", "#"} for level in levels)
    if not topic or "#" in levels[:-1] or wrong:
        raise ConfigError(
            f"not a filter of MQTT topics: {topic!r}", "--mqtt-topic", "give tweets/# or a/+/b"
        )
    if chosen.mqtt_password and not is_reference(chosen.mqtt_password):
        raise CredentialsError(
            "mqtt_password wants a reference, not the password",
            chosen.origins["mqtt_password"],
            "'${env:NAME}' or '${file:/PATH:KEY}', in quotes; change a password that was typed",
        )
    if chosen.mqtt_password and not chosen.mqtt_user:
        raise ConfigError("mqtt_password wants mqtt_user", "--mqtt-user", "give both")


def look(broker: Broker) -> str:
    """Logs in and subscribes as a passing client of another id, so that a running producer keeps
    its session; returns what was found. Raises what a run would."""
    said: dict[str, Any] = {}
    client = broker.client(f"{broker.client_id}-check")
    client.on_connect = lambda _client, _data, _flags, code, _more: said.update(connected=code)
    client.on_subscribe = lambda _client, _data, _mid, codes, _more: said.update(granted=codes)
    try:
        broker.connect(client)
        _wait(client, said, "connected")
        code = said["connected"]
        if code.is_failure:
            raise broker.refusal(code) or _unreachable(broker, f"it answers: {code}")
        client.subscribe(broker.topic, QOS)
        _wait(client, said, "granted")
    except (OSError, TimeoutError) as error:
        raise _unreachable(broker, str(error)) from None
    finally:
        client.disconnect()
    if said["granted"][0].is_failure:
        raise broker.not_granted()
    return f"{broker} takes the subscription to {broker.topic}{' over TLS' if broker.tls else ''}"


def _wait(client: mqtt.Client, said: dict[str, Any], name: str) -> None:
    end = time.monotonic() + LOOK_S
    while name not in said:
        if client.loop(0.2) != mqtt.MQTT_ERR_SUCCESS and name not in said:
            raise OSError("it closes the connection")
        if time.monotonic() > end:
            raise TimeoutError(f"no answer for {LOOK_S:.0f} s")


def _unreachable(broker: Broker, why: str) -> ServiceUnreachable:
    remedy = "check the broker, the network and --mqtt-url"
    return ServiceUnreachable(f"no MQTT broker can be used: {why}", str(broker), remedy)
