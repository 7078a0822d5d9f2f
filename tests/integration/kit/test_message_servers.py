"""The tests' own mosquitto and RabbitMQ: what they acknowledged survives their SIGKILL, and
nothing of them stays."""

import socket
from pathlib import Path

import pika
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import HOST, PORTS, wait_until
from tests.kit.mosquitto import Mosquitto, mosquitto
from tests.kit.rabbitmq import PORT, rabbitmq

VALUES = [b"%d" % number for number in range(50)]


def session(broker: Mosquitto) -> tuple[mqtt.Client, list[bytes]]:
    """A client of a durable session on `t/#`, and what it gets."""
    found: list[bytes] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "one", clean_session=False)
    client.on_message = lambda _client, _data, message: found.append(message.payload)
    client.connect(HOST, broker.port)
    client.loop_start()
    return client, found


def test_mosquitto_keeps_a_session_through_a_kill(tmp_path: Path) -> None:
    with mosquitto(tmp_path, port=PORTS + 301) as broker:
        client, _ = session(broker)
        subscribed: list[int] = []
        client.on_subscribe = lambda *_arguments: subscribed.append(1)
        client.subscribe("t/#", qos=1)
        wait_until(lambda: subscribed, 10, "subscribed")
        client.disconnect()
        client.loop_stop()
        broker.publish("t/1", VALUES)
        broker.kill()
        broker.start()
        client, found = session(broker)
        wait_until(lambda: found == VALUES, 10, "the messages come after the kill")
        client.disconnect()
        client.loop_stop()
    assert broker.home.pid("mosquitto") is None


@pytest.mark.long
def test_rabbitmq_keeps_a_queue_through_a_kill(tmp_path: Path) -> None:
    with rabbitmq(tmp_path) as broker:
        broker.publish("tweets", VALUES)
        broker.kill()
        broker.start()
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            got = [connection.channel().basic_get("tweets", auto_ack=True)[2] for _ in VALUES]
        assert got == VALUES
    for port in range(PORT, PORT + 3):
        with socket.socket() as tried:
            assert tried.connect_ex((HOST, port)), f"something still listens on {port}"
