"""Flume's push into our source, from a real agent (1.11.0): batches that are not stored come
again."""

from pathlib import Path

import pytest

from kafka_dstreams.sources import Message
from kafka_dstreams.sources.flume import FlumePush
from tests.conftest import HOST, PORTS, wait_until
from tests.kit.flume import agent

pytestmark = pytest.mark.long  # fetches 90 jars
PORT, EVENTS = PORTS + 340, 1000


def received(source: FlumePush, count: int, store: bool = True) -> list[int]:
    """What comes until this number of different events is there, each poll stored or not."""
    found: list[int] = []

    def there() -> bool:
        found.extend(number(message) for message in source.poll(70, 0.2))
        if store:
            source.ack()
        return len(set(found)) >= count

    wait_until(there, 60, f"{count} events come")
    return found


def number(message: Message) -> int:
    assert message.value is not None
    return int(message.value)


@pytest.mark.parametrize("deflate", [False, True])
def test_each_event_comes_once(tmp_path: Path, deflate: bool) -> None:
    source = FlumePush(HOST, PORT, deflate)
    source.open()
    more = ["compression-type = deflate"] if deflate else []
    try:
        with agent(tmp_path, PORT, EVENTS, *more):
            assert received(source, EVENTS) == list(range(EVENTS))
    finally:
        source.close()


def test_what_was_not_stored_comes_again(tmp_path: Path) -> None:
    """The receiver ends between `poll` and `ack`, as a crash does: the batch comes to the next."""
    first = FlumePush(HOST, PORT)
    first.open()
    with agent(tmp_path, PORT, EVENTS):
        stored = received(first, 300)
        lost = received(first, 70, store=False)
        first.close()
        second = FlumePush(HOST, PORT)
        second.open()
        try:
            left = EVENTS - min(lost)
            again = received(second, left)
        finally:
            second.close()
    assert set(stored) | set(again) == set(range(EVENTS))
    assert set(lost) <= set(again)
