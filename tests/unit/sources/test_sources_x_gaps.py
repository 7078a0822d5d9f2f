"""The gaps of X's stream against the stub: searched between their ends once X can know them, or
named with their price."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from local.stub_servers.x import XStub
from producer.sources import Records
from producer.sources.x import gaps as x_gaps
from producer.sources.x.ids import id_at
from producer.sources.x.kept import Kept
from producer.sources.x.rules import OURS
from tests.conftest import wait_until
from tests.kit.x_tries import SEARCH, Try, ids, of, until_all


@pytest.fixture
def x() -> Iterator[XStub]:
    # the producer's waiting times are the real ones, on a clock that runs faster for both
    with XStub(pace=50) as stub:
        yield stub


def test_stream_after_a_restart_fetches_what_it_missed(x: XStub) -> None:
    first, source = x.world.invent(5), Try(x).stream()
    position = list(islice(source, 5))[-1].position
    source.close()  # type: ignore[attr-defined]
    wait_until(lambda: not x.open_streams, 5, "X notices at its next sign of life")
    x.world.ahead_s += 5
    missed, run = x.world.invent(150), Try(x)
    read = until_all(run.stream(kept=Kept(position=position)), missed)
    assert set(of(missed)) <= set(ids(read)) <= set(of(first + missed)), (
        "those of the last seconds may come again"
    )
    assert run.state.backfilled >= 150
    assert json.loads(read[0].value or b"")["matching_rules"][0]["tag"] == OURS + "coffee"


@contextmanager
def posting(x: XStub) -> Iterator[None]:
    """Posts appear all the time, once the gap has been counted."""
    ended = threading.Event()

    def post() -> None:
        while not ended.wait(0.05):
            if x.queries("/counts/recent"):
                x.world.invent(1)

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def restarted(x: XStub, position: str, longest_gap_s: float) -> tuple[Try, Records]:
    wait_until(lambda: not x.open_streams, 5, "X has noticed that the last one is gone")
    run = Try(x)
    return run, run.stream(kept=Kept(position=position), longest_gap_s=longest_gap_s)


def test_a_gap_is_searched_between_its_ends_and_not_before_x_can_know_it(x: XStub) -> None:
    x.world.invent(5)
    source = Try(x).stream()
    position = list(islice(source, 5))[-1].position
    source.close()  # type: ignore[attr-defined]
    run, source = restarted(x, position, 900)
    missed = x.world.invent(1)
    until_all(source, missed)
    (asked,) = x.queries(SEARCH)
    assert int(asked["since_id"]) == int(position) - x_gaps.OVERLAP
    assert int(position) < int(missed[0]["data"]["id"]) < int(asked["until_id"])
    assert not {"start_time", "end_time"} & set(asked)
    assert run.state.backfilled >= 1


def test_a_longer_gap_is_named_with_its_price_and_not_bought(
    x: XStub, caplog: pytest.LogCaptureFixture
) -> None:
    source = Try(x).stream()
    x.world.invent(5)
    position = list(islice(source, 5))[-1].position
    source.close()  # type: ignore[attr-defined]
    wait_until(lambda: not x.open_streams, 5, "X has noticed that the last one is gone")
    x.world.ahead_s += 500
    x.world.invent(30)
    x.world.ahead_s += 500
    run, source = restarted(x, position, 900)
    with posting(x):
        assert next(record for record in source if record.position), "the gap is closed"
    assert "it has 30 posts: 0.15 USD, at most 0.75" in caplog.text
    assert "--fill-gaps 7d fetches" in caplog.text
    assert not x.queries(SEARCH)
    assert run.state.backfilled == 0


def test_what_was_named_once_is_not_bought_by_the_next_start() -> None:
    now = 1.8e9
    gaps = x_gaps.after_a_pause(
        id_at(now - 1000), [(id_at(now - 900), id_at(now - 100))], now - 5, now
    )
    assert [(gap.since_id, gap.until_id) for gap in gaps] == [
        (id_at(now - 1000), id_at(now - 900)),
        (id_at(now - 100), id_at(now)),
    ]
    assert [gap.silent_s for gap in gaps] == [0, 5]


def test_any_failure_of_the_search_is_heard_and_the_gap_tried_again(
    x: XStub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = Try(x).stream()
    x.world.invent(5)
    position = list(islice(source, 5))[-1].position
    source.close()  # type: ignore[attr-defined]
    failures = iter([RuntimeError("planted"), ValueError("planted")])
    search = x_gaps.Search

    def failing(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return search(*arguments)

    monkeypatch.setattr(x_gaps, "Search", failing)
    _, source = restarted(x, position, 900)
    until_all(source, x.world.invent(3))
    assert "cannot be filled (RuntimeError)" in caplog.text
    assert "stays open and is tried again in 60 s" in caplog.text
    assert "tried again in 120 s" in caplog.text
