"""A RabbitMQ of a test's own: a real broker, with data, ports, cookie and epmd of its own.

`with rabbitmq(folder) as broker` starts it; without RabbitMQ on the machine the test is skipped
and says what to install.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pika
import pytest

from local.processes import Home
from tests.conftest import HOST, PATIENCE, PORTS, wait_until

NEEDED = "the RabbitMQ tests need its server and Erlang: apt install rabbitmq-server"
# what Debian puts on the PATH changes to the user rabbitmq, who may not write here
PROGRAM = shutil.which("/usr/lib/rabbitmq/bin/rabbitmq-server") and next(
    (str(found) for found in Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server")), None
)
NAME, NAMES = "rabbitmq", "epmd"
PORT = PORTS + 320  # AMQP; the next two are Erlang's


@dataclass(frozen=True)
class RabbitMQ:
    """A broker; `url` is what pika's URLParameters takes."""

    home: Home
    port: int = PORT

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def start(self) -> None:
        """Start it and wait until it takes a log-in."""
        self.home.start(NAME, f"{HOST}:{self.port}", [str(PROGRAM)], self._environ())
        self.home.wait(NAME, self._missing, 120 * PATIENCE)

    def kill(self) -> None:
        """SIGKILL to the broker; what it had on its disk is there at the next start."""
        pid = self.home.pid(NAME)
        assert pid, "RabbitMQ does not run"
        os.killpg(pid, signal.SIGKILL)  # its shell script and Erlang's helpers too
        wait_until(lambda: self.home.pid(NAME) is None, 10, "RabbitMQ is gone")

    def publish(self, queue: str, values: list[bytes]) -> None:
        """Publish the values to a durable queue, which is made where there is none; returns when
        the broker has them on its disk."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel = connection.channel()
            channel.queue_declare(queue, durable=True)
            channel.tx_select()
            for value in values:
                channel.basic_publish("", queue, value, pika.BasicProperties(delivery_mode=2))
            channel.tx_commit()

    def _environ(self) -> dict[str, str]:
        data = self.home.path / NAME
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(data),  # where Erlang's cookie is
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.port + 1),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(data / "pid"),
            "RABBITMQ_CONFIG_FILE": str(data / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            **_epmd(self.port),
        }

    def _missing(self) -> str:
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except (pika.exceptions.AMQPError, OSError) as error:
            return f"no log-in: {type(error).__name__}"
        return ""


@contextmanager
def rabbitmq(folder: Path, port: int = PORT) -> Iterator[RabbitMQ]:
    """A running broker with its data in `folder`; it listens on `port` and the two behind it."""
    if not PROGRAM:
        pytest.skip(NEEDED)
    broker = RabbitMQ(Home(folder), port)
    environ = {**os.environ, **_epmd(port)}
    broker.home.start(NAMES, f"{HOST}:{port + 2}", ["epmd"], environ)
    try:
        broker.start()
        yield broker
    finally:
        if broker.home.pid(NAME):
            broker.kill()
        broker.home.stop(NAMES)


def _epmd(port: int) -> dict[str, str]:
    """Where Erlang's directory of names listens: one of our own, which nothing leaves behind."""
    return {"ERL_EPMD_ADDRESS": HOST, "ERL_EPMD_PORT": str(port + 2)}
