"""MQTT into a stream, on a real mosquitto: what comes, what is refused, and the old door."""

from pathlib import Path

import pytest

from kafka_dstreams.sources.mqtt import MQTT
from tests.conftest import wait_until
from tests.kit.mosquitto import mosquitto
from tests.kit.old_scripts import running
from tests.kit.sourced import kill, missing, numbers, sourcing, stopped, values


def test_a_killed_receiver_and_a_killed_broker_lose_nothing(tmp_path: Path) -> None:
    """With the default window of 20, and a queue that is long enough."""
    with (
        mosquitto(tmp_path / "broker", "max_queued_messages 0") as broker,
        sourcing(tmp_path, "mqtt", f"tcp://{broker.address}") as run,
    ):
        worker = worker_of(run.process.pid)
        broker.publish("numbers", numbers(0, 500))
        run.wait_for(lambda text: values(text), "a first message")
        kill(worker)
        broker.publish("numbers", numbers(500, 1000))
        run.wait_for(lambda text: len(values(text)) == 1000, "all after the worker's death")
        again = sum(values(run.output()).values()) - 1000
        assert again <= 60, "what was not acknowledged: a window or two"
        broker.kill()
        broker.start()
        broker.publish("numbers", numbers(1000, 1500))
        run.wait_for(lambda text: len(values(text)) == 1500, "all after the broker's death")
        stopped(run, tmp_path)
        came = values(run.output())
    # what comes twice after the broker's death is the broker's: it had not saved that we had it
    assert missing(came) == [] and len(came) == 1500


def worker_of(driver: int) -> int:
    """The source's process, once it is there and has had time to subscribe."""

    def found() -> int | None:
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if b"kafka_dstreams.sources.worker" not in (place / "cmdline").read_bytes():
                    continue
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                sockets = [
                    link for link in (place / "fd").iterdir() if "socket" in str(link.readlink())
                ]
            except OSError:
                continue
            if parent == driver and sockets:
                return int(place.name)
        return None

    return int(wait_until(found, 90, "the source's process has connected"))


def test_the_old_word_count(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        words = [f"tcp://{broker.address}", "words"]
        with running("old/mqtt_words.py", words, tmp_path / "run") as script:
            worker_of(script.process.pid)
            for _ in range(20):
                broker.publish("words", [b"to be or not to be"] * 9)
                seen = script.output().count("Time:")
                said = script.wait_for(
                    lambda text, seen=seen: text.count("Time:") > seen + 1, "two batches more"
                )
                if "('be', " in said:
                    break
            assert "('be', " in said and "('not', " in said


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"qos": 2}, "QoS 1 does not"),
        ({"client_id": ""}, "as group.id does"),
        ({"password": "in clear"}, "should be a reference"),
        ({"broker_url": "tcp://me:in-clear@host"}, "a password in clear"),
    ],
)
def test_what_is_refused(settings: dict[str, object], text: str) -> None:
    good = {"broker_url": "tcp://me:${env:PASSWORD}@host:1", "topics": "t", "client_id": "c"}
    MQTT(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=text):
        MQTT(**{**good, **settings})  # type: ignore[arg-type]
