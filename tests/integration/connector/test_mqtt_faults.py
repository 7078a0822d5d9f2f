"""The MQTT source alone, without Spark, on a real mosquitto: small windows, TLS and a password, a
broker that freezes."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from pyspark import cloudpickle

from kafka_dstreams.sources import GiveUp, mqtt
from kafka_dstreams.sources.mqtt import MQTT
from local.certificates import Authority
from tests.conftest import HOST, wait_until
from tests.kit.mosquitto import Mosquitto, mosquitto
from tests.kit.sourced import numbers, received

ALL = ("max_queued_messages 0",)
SECRET = "hush-71c9"


@contextmanager
def reading(broker: Mosquitto) -> Iterator[MQTT]:
    source = MQTT(f"tcp://{broker.address}", "numbers", "receiver")
    source.open()
    yield source
    source.close()


@pytest.mark.parametrize("window", [1, 20])
def test_a_small_window_gives_each_message_once(tmp_path: Path, window: int) -> None:
    with (
        mosquitto(tmp_path, *ALL, f"max_inflight_messages {window}") as broker,
        reading(broker) as source,
    ):
        broker.publish("numbers", numbers(0, 300))
        assert received(source, 300) == list(range(300))


def test_what_is_not_stored_comes_again(tmp_path: Path) -> None:
    with mosquitto(tmp_path, *ALL) as broker:
        first = MQTT(f"tcp://{broker.address}", "numbers", "receiver")
        first.open()
        broker.publish("numbers", numbers(0, 300))
        stored = received(first, 100)
        lost = [int(message.value or b"") for message in first.poll(1000, 0.5)]
        assert lost
        first.client.socket().close()  # as a crash does
        with reading(broker) as second:
            again = received(second, 300 - len(stored))
    assert set(lost) <= set(again) and not set(stored) & set(again)
    assert set(stored) | set(again) == set(range(300))


def test_a_frozen_broker_goes_on_where_it_was(tmp_path: Path) -> None:
    with mosquitto(tmp_path, *ALL) as broker, reading(broker) as source:
        broker.publish("numbers", numbers(0, 300))
        found = received(source, 100)
        broker.signal(signal.SIGSTOP)
        try:
            for _ in range(5):
                found += [int(message.value or b"") for message in source.poll(1000, 0.2)]
                source.ack()
            assert source.poll(1000, 0.2) == [], "nothing more comes"
        finally:
            broker.signal(signal.SIGCONT)
        found += received(source, 300 - len(found))
    assert found == list(range(300))


def test_a_broker_that_stays_frozen_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver then starts the source again; nothing is missing."""
    monkeypatch.setattr(mqtt, "KEEPALIVE_S", 2)
    with mosquitto(tmp_path, *ALL) as broker:
        source = MQTT(f"tcp://{broker.address}", "numbers", "receiver")
        source.open()
        broker.publish("numbers", numbers(0, 300))
        found = received(source, 100)
        broker.signal(signal.SIGSTOP)
        try:
            with pytest.raises(ConnectionError, match="the broker is gone"):
                wait_until(lambda: found.extend(received(source, 0)), 30, "it is noticed")
        finally:
            broker.signal(signal.SIGCONT)
        with reading(broker) as again:
            wait_until(
                lambda: len(set(found)) == 300 or found.extend(received(again, 1)), 30, "the rest"
            )
    assert set(found) == set(range(300))


@contextmanager
def secured(folder: Path) -> Iterator[Mosquitto]:
    """A broker with TLS that knows one user."""
    authority = Authority(folder / "certificates")
    certificate, key = authority.issue("broker", HOST)
    users = folder / "users"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(users), "me", SECRET], check=True)
    lines = (f"cafile {authority.file}", f"certfile {certificate}", f"keyfile {key}")
    rights = (f"password_file {users}", "allow_anonymous false")
    with mosquitto(folder / "broker", *lines, *rights, *ALL) as broker:
        yield broker


def test_tls_and_a_password_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates" / "ca.pem"))
    monkeypatch.setenv("MQTT_PASSWORD", SECRET)
    with secured(tmp_path) as broker:
        url = f"ssl://{broker.address}"
        source = MQTT(url, "numbers", "receiver", username="me", password="${env:MQTT_PASSWORD}")
        assert SECRET.encode() not in cloudpickle.dumps(source)
        source.open()

        def known(client: Client) -> None:
            client.tls_set(str(tmp_path / "certificates" / "ca.pem"))
            client.username_pw_set("me", SECRET)

        broker.publish("numbers", numbers(0, 300), prepare=known)
        assert received(source, 300) == list(range(300))
        source.close()
        monkeypatch.setenv("MQTT_PASSWORD", "wrong")
        with pytest.raises(GiveUp, match="refuses client receiver"):
            source.open()
