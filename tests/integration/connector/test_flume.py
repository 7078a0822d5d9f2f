"""Flume's push from a real agent (1.11.0), and the pull from Spark's own sink in one (1.9.0):
batches that are not stored come again."""

from collections import Counter
from pathlib import Path

import pytest

from kafka_dstreams.sources.flume import FlumePull, FlumePush
from tests.conftest import HOST, PORTS, wait_until
from tests.kit.flume import FILES, PULL, PUSH, agent, configured, ended
from tests.kit.old_scripts import running
from tests.kit.sourced import received

pytestmark = pytest.mark.long  # fetches 90 jars
PORT, EVENTS = PORTS + 340, 1000


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


def test_two_agents_push_to_one_receiver(tmp_path: Path) -> None:
    source = FlumePush(HOST, PORT)
    source.open()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    try:
        with agent(tmp_path / "one", PORT, EVENTS), agent(tmp_path / "two", PORT, EVENTS):
            found = received(source, EVENTS)
            wait_until(
                lambda: len(found) == 2 * EVENTS or found.extend(received(source, 1)), 60, "2"
            )
    finally:
        source.close()
    assert Counter(found) == dict.fromkeys(range(EVENTS), 2)


def test_pull_gives_each_event_once(tmp_path: Path) -> None:
    """From one agent, while another one that is named does not run."""
    source = FlumePull([(HOST, PORT), (HOST, PORT + 1)])
    with agent(tmp_path, PORT, EVENTS, sink=PULL):
        source.open()
        try:
            assert received(source, EVENTS) == list(range(EVENTS))
        finally:
            source.close()


def test_what_was_pulled_and_not_stored_comes_again(tmp_path: Path) -> None:
    """Spark's sink rolls back when it has waited for its transactionTimeout."""
    first, second = FlumePull([(HOST, PORT)], 100), FlumePull([(HOST, PORT)], 100)
    with agent(tmp_path, PORT, EVENTS, sink=PULL):
        first.open()
        stored = received(first, 300)
        lost = received(first, 30, store=False)
        first.close()
        second.open()
        try:
            again = received(second, EVENTS - len(stored))
        finally:
            second.close()
    assert set(stored) | set(again) == set(range(EVENTS))
    assert set(lost) <= set(again) and not set(stored) & set(again)


def test_a_killed_agent_loses_nothing(tmp_path: Path) -> None:
    """With a file channel: numbers come twice only when its OK had not reached it."""
    source = FlumePush(HOST, PORT)
    source.open()
    pushing = configured(tmp_path, PORT, FILES, PUSH)
    found: list[int] = []
    try:
        for turn in range(4):
            numbers = range(turn * EVENTS, (turn + 1) * EVENTS)
            new = tmp_path / "part"
            new.write_text("".join(f"{number}\n" for number in numbers))
            new.rename(tmp_path / "spool" / f"{turn}.txt")
            process = pushing.start()
            found += received(source, 300)
            ended(process)
        process = pushing.start()
        left = set(range(4 * EVENTS)) - set(found)
        wait_until(lambda: not left - set(found) or found.extend(received(source, 1)), 60, "all")
        ended(process)
    finally:
        source.close()
    assert set(found) == set(range(4 * EVENTS))


@pytest.mark.parametrize("sink", [PUSH, PULL])
def test_the_old_word_count(tmp_path: Path, sink: str) -> None:
    """Numbers are its words; each one comes once, so each count is 1."""
    words = [HOST, str(PORT), *(["pull"] if sink is PULL else [])]
    with (
        agent(tmp_path, PORT, 200, sink=sink),
        running("old/flume_words.py", words, tmp_path / "run") as script,
    ):
        said = script.wait_for(lambda text: text.count("', 1)") >= 200, "200 words")
    assert all(f"('{number}', 1)" in said for number in range(200))
