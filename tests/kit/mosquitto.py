"""A mosquitto of a test's own: a real MQTT broker, with a data folder and a port of its own.

`with mosquitto(folder) as broker` starts it; without mosquitto on the machine the test is skipped
and says what to install.
"""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from local.processes import Home
from tests.conftest import HOST, PATIENCE, PORTS, wait_until

NEEDED = "the MQTT tests need the broker mosquitto: apt install mosquitto"
PROGRAM = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
NAME = "mosquitto"
QUEUED = 50_000  # paho refuses beyond 65,535 that wait
PORT = PORTS + 300


@dataclass(frozen=True)
class Mosquitto:
    """A broker whose sessions survive `kill`; `port` takes MQTT, or MQTT over TLS."""

    home: Home
    port: int = PORT

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        file = self.home.path / "mosquitto.conf"
        self.home.start(NAME, self.address, [str(PROGRAM), "-c", str(file)])
        self.home.wait(NAME, self._missing, 30 * PATIENCE)

    def kill(self) -> None:
        """Have it save what it has, then SIGKILL: mosquitto acknowledges before it saves, so that
        otherwise it may itself lose messages that it has acknowledged."""
        pid = self.home.pid(NAME)
        assert pid, "mosquitto does not run"
        file = self.home.path / NAME / "mosquitto.db"
        file.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        wait_until(file.exists, 10, "mosquitto has saved its messages")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.home.pid(NAME) is None, 10, "mosquitto is gone")

    def _missing(self) -> str:
        with socket.socket() as tried:
            return "it takes no connection" if tried.connect_ex((HOST, self.port)) else ""

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP freezes it, SIGCONT thaws it."""
        pid = self.home.pid(NAME)
        assert pid, "mosquitto does not run"
        os.kill(pid, number)

    def publish(
        self,
        topic: str,
        values: list[bytes],
        qos: int = 1,
        prepare: Callable[[mqtt.Client], object] = lambda _client: None,
    ) -> None:
        """Publish the values in order; returns when the broker has acknowledged each. `prepare`
        gives the client what it needs to connect."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        prepare(client)
        client.max_inflight_messages_set(1000)
        client.connect(HOST, self.port)
        client.loop_start()
        for start in range(0, len(values), QUEUED):
            sent = [client.publish(topic, value, qos) for value in values[start : start + QUEUED]]
            for one in sent:
                one.wait_for_publish(30 * PATIENCE)
            assert all(one.is_published() for one in sent), "mosquitto has not acknowledged all"
        client.disconnect()
        client.loop_stop()


@contextmanager
def mosquitto(folder: Path, *lines: str, port: int = PORT) -> Iterator[Mosquitto]:
    """A running broker with its data in `folder`; `lines` are added to its configuration and can
    replace our `allow_anonymous true`."""
    if PROGRAM is None:
        pytest.skip(NEEDED)
    broker = Mosquitto(Home(folder), port)
    (folder / NAME).mkdir(parents=True, exist_ok=True)
    ours = [
        f"listener {port} {HOST}",
        "persistence true",
        f"persistence_location {folder / NAME}/",
        "log_dest stderr",
        "log_type all",
        # Debian's mosquitto changes to a user who may not write here when root starts it
        "user root",
        *([] if any("allow_anonymous" in line for line in lines) else ["allow_anonymous true"]),
        *lines,
    ]
    (folder / "mosquitto.conf").write_text("\n".join(ours) + "\n", encoding="utf-8")
    broker.start()
    try:
        yield broker
    finally:
        with suppress(ProcessLookupError):
            broker.home.stop(NAME)
