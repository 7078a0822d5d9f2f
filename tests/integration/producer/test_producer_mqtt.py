"""`--source mqtt` on a real mosquitto: whatever dies, no message that the broker has acknowledged
is missing on the topic."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PATIENCE, ROOT, Services, wait_until
from tests.kit.mosquitto import Mosquitto, mosquitto
from tests.kit.producing import COMMAND, Published, produce, published


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    # with its defaults it keeps 1,000 messages of a session, and throws away what comes then
    with mosquitto(tmp_path / "mosquitto", "max_queued_messages 100000") as running:
        yield running


def flags(broker: Mosquitto, topic: str, spool: Path, *more: str) -> list[str]:
    """The flags of a producer of this broker's messages."""
    where = ["--mqtt-url", f"mqtt://{broker.address}", "--mqtt-client-id", topic]
    return [*where, "--topic", topic, "--spool", str(spool), *more]


@contextmanager
def producer(services: Services, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A producer that is gone at the end, whatever the test does."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **services.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Stops a producer; returns its report."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30 * PATIENCE)
    assert process.returncode == 0, err
    return dict(json.loads(out))


def tweets(first: int, count: int) -> list[bytes]:
    return [b'{"data":{"id":"%d","text":"hi"}}' % number for number in range(first, first + count)]


def ids(found: Published) -> list[int]:
    return sorted(int(key) for key, _ in found.values() if key)


def read(services: Services, topic: str, count: int) -> Published:
    """What is on the topic, when this number of ids is."""
    found: Published = {}

    def there() -> bool:
        found.update(published(services, topic))
        return len(set(ids(found))) >= count

    wait_until(there, 30, f"{count} ids are on {topic}")
    return found


def subscribed(broker: Mosquitto) -> None:
    wait_until(lambda: b"SUBSCRIBE from" in log_of(broker), 20, "the producer subscribes")


def log_of(broker: Mosquitto) -> bytes:
    return broker.home.log("mosquitto").read_bytes()


def test_messages_become_records_as_they_are(
    services: Services, broker: Mosquitto, topic: str, tmp_path: Path
) -> None:
    """A tweet by its id, what is none as it is, white space not at all; a stop acknowledges."""
    arguments = flags(broker, topic, tmp_path / "spool")
    with producer(services, *arguments) as process:
        subscribed(broker)
        assert ended(process)["source"] == "mqtt"
    values = [*tweets(1, 3), b"not JSON \xff", b" \n", b""]
    broker.publish("tweets/a", values)
    out, err = produce(services, *arguments, "--max-posts", "4")
    assert json.loads(out)["acked"] == 4, err
    found = [(key or b"", value) for key, value in published(services, topic).values()]
    assert sorted(found) == [
        (b"", values[3]),
        (b"1", values[0]),
        (b"2", values[1]),
        (b"3", values[2]),
    ]
    with producer(services, *arguments) as process:
        broker.publish("tweets/a", tweets(10, 1))
        read(services, topic, 4)
        last = ended(process)
    assert (last["read"], last["skipped_empty_lines"], last["gaps"]) == (1, 2, 0)


def test_a_broker_that_is_killed_and_comes_back(
    services: Services, broker: Mosquitto, topic: str, tmp_path: Path
) -> None:
    with producer(services, *flags(broker, topic, tmp_path / "spool")) as process:
        subscribed(broker)
        for first in (0, 100, 200):
            broker.publish("tweets/a", tweets(first, 100))
            broker.kill()
            broker.start()
        broker.publish("tweets/a", tweets(300, 100))
        found = read(services, topic, 400)
        report = ended(process)
    assert report["reconnects"] >= 1 and report["gaps"] == 0
    assert set(ids(found)) == set(range(400))


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.long)])
def test_a_producer_that_is_killed_and_started_again(
    services: Services, broker: Mosquitto, topic: str, tmp_path: Path, kills: int
) -> None:
    """Killed with messages in flight: none is missing, and twice come at most those of the broker's
    window for each kill, and what Kafka had and the spool had not crossed off."""
    arguments = flags(broker, topic, tmp_path / "spool")
    with producer(services, *arguments) as process:
        subscribed(broker)
        ended(process)
    acknowledged = b"PUBACK from " + topic.encode()
    for number in range(kills):
        seen = log_of(broker).count(acknowledged)
        broker.publish("tweets/a", tweets(200 * number, 200))
        with producer(services, *arguments):  # and killed
            wait_until(
                lambda seen=seen: log_of(broker).count(acknowledged) > seen,
                30,
                "the producer has acknowledged something",
            )
    with producer(services, *arguments) as process:
        found = read(services, topic, 200 * kills)
        ended(process)
    assert set(ids(found)) == set(range(200 * kills))
    assert len(ids(found)) <= 2 * 200 * kills, "twice: only what was not acknowledged"


def test_a_session_that_the_broker_has_lost_is_named(
    services: Services, topic: str, tmp_path: Path
) -> None:
    arguments = []
    for place in ("first", "second"):
        with mosquitto(tmp_path / place) as broker:
            arguments = flags(broker, topic, tmp_path / "spool")
            with producer(services, *arguments) as process:
                subscribed(broker)
                broker.publish("tweets/a", tweets(len(place), 1))
                read(services, topic, 1 if place == "first" else 2)
                assert ended(process)["gaps"] == (place == "second")


class TestCheck:
    def test_names_the_broker_and_leaves_the_session_alone(
        self, services: Services, broker: Mosquitto, topic: str, tmp_path: Path
    ) -> None:
        with producer(services, *flags(broker, topic, tmp_path / "spool")) as process:
            subscribed(broker)
            asked = ["--check", "--source", "mqtt", *flags(broker, topic, tmp_path / "other")]
            with producer(services, *asked) as check:
                out = check.communicate(timeout=60)[0].decode()
            assert f"MQTT broker: ok, {broker.address} takes the subscription to tweets/#" in out
            assert ended(process)["reconnects"] == 0

    def test_a_log_in(self, services: Services, topic: str, tmp_path: Path) -> None:
        """Refused without, taken with a password by reference; one in clear is not looked at."""
        secret, users = uuid.uuid4().hex, tmp_path / "users"
        users.write_text(f"ann:{secret}\n")
        subprocess.run(["mosquitto_passwd", "-U", users], check=True)
        kept = tmp_path / "secrets.properties"
        kept.write_text(f"ann={secret}\n")
        kept.chmod(0o400)
        lines = ("allow_anonymous false", f"password_file {users}")
        with mosquitto(tmp_path / "mosquitto", *lines) as broker:
            plain = flags(broker, topic, tmp_path / "spool")
            _, err = produce(services, *plain, expect=5)
            assert "refuses the log-in" in err and "--mqtt-password" in err
            login = [*plain, "--mqtt-user", "ann", "--mqtt-password"]
            assert "wants a reference" in produce(services, *login, secret, expect=5)[1]
            with producer(services, *login, f"${{file:{kept}:ann}}") as process:
                subscribed(broker)
                assert ended(process)["stopped_by"] == "signal"
