"""Bluesky against a server that speaks Jetstream's wire: every post and deletion once, whatever happens to the connection."""

import json
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from config.errors import ConfigError, ServiceUnreachable
from producer.sources import Record, State, bluesky
from producer.sources.bluesky import Wanted
from scripts.stubs.jetstream import Faults, Jetstream
from tests.conftest import wait_until

ALL = Wanted()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluesky, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(bluesky, "SILENCE_S", 0.5)


@pytest.fixture
def stub() -> Iterator[Jetstream]:
    """A Jetstream that has 400 events already; a cursor is what brings them."""
    with Jetstream(rate=100_000, posts=400) as own:
        wait_until(lambda: len(own.events) == 400, 10, "the events are there")
        yield own


def read(stub: Jetstream, state: State, wanted: Wanted = ALL, position: str = "1 - -", records: int = 0) -> list[Record]:
    """As many records from that position on as the stub has posts and deletions, or so many."""
    count = records or sum(len(frames) for frames in stub.published().values())
    return list(islice(bluesky.tweets(stub.url, wanted, position, state), count))


def by_id(records: list[Record]) -> dict[str | None, list[str | None]]:
    found: dict[str | None, list[str | None]] = {}
    for record in records:
        found.setdefault(record.id, []).append(record.value.decode() if record.value is not None else None)
    return found


def test_posts_byte_for_byte_and_deletions_as_tombstones(stub: Jetstream) -> None:
    state = State()
    found = read(stub, state)
    assert by_id(found) == stub.published()
    assert [record.value for record in found].count(None) == 20
    assert state.now == f"connected to 127.0.0.1:{stub.port}"
    assert (state.reconnects, state.repeats, state.cost_usd) == (0, 0, 0.0)


@pytest.mark.parametrize("faults", [Faults(drop_after=90), Faults(silent_after=150), Faults(drop_after=70, repeat_every=7)])
def test_broken_connections_cost_nothing(stub: Jetstream, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluesky, "BACK_US", 300)  # the stub's events are microseconds apart
    stub.faults = faults
    state = State()
    found = read(stub, state)
    assert by_id(found) == stub.published()
    assert state.reconnects >= 2
    assert state.repeats > 0


def test_bad_frames_are_handed_on_and_end_nothing(stub: Jetstream) -> None:
    stub.faults = Faults(bad_every=50)
    posts = sum(len(frames) for frames in stub.published().values())
    found = read(stub, State(), records=posts + posts // 50)
    good = by_id(found)
    assert len(good.pop(None)) >= 6
    assert set(good) <= set(stub.published())


def test_the_next_run_begins_behind_the_last_record(stub: Jetstream) -> None:
    whole = read(stub, State())
    state = State()
    rest = read(stub, state, position=whole[149].position, records=len(whole) - 150)
    assert rest == whole[150:]
    assert state.repeats == 150, "they came again, and were recognised"


def test_another_host_is_read_from_a_little_before(stub: Jetstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its order may be another one: nothing may be left out there."""
    monkeypatch.setattr(bluesky, "BACK_US", 0)
    whole = read(stub, State())
    time_us, _, event = whole[149].position.split(" ", 2)
    assert read(stub, State(), position=f"{time_us} elsewhere {event}", records=10) == whole[149:159]


def test_an_event_that_does_not_come_again_holds_nothing_back(stub: Jetstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluesky, "BACK_US", 50)
    whole = read(stub, State())
    time_us, host, _ = whole[149].position.split(" ", 2)
    found = read(stub, State(), position=f"{int(time_us)} {host} did:plc:gone/1/rev", records=100)
    assert found[-1].position > whole[149].position
    assert whole[149] in found


def test_the_filter_reads_keywords_and_languages(stub: Jetstream) -> None:
    found = read(stub, State(), bluesky.wanted(" COFFEE, soup ", "DE"), records=30)
    posts = [json.loads(record.value)["commit"]["record"] for record in found if record.value is not None]
    assert posts
    for post in posts:
        assert "coffee" in post["text"] or "soup" in post["text"]
        assert post["langs"] == ["de-AT"]
    assert None in [record.value for record in found], "deletions always come"


def test_the_next_address_stands_in(stub: Jetstream) -> None:
    state = State()
    found = bluesky.tweets(f"ws://127.0.0.1:9/subscribe, {stub.url}", Wanted(), "1 - -", state)
    assert next(found).id is not None
    assert (state.reconnects, state.now) == (1, f"connected to 127.0.0.1:{stub.port}")


def test_nobody_answers() -> None:
    begun = time.monotonic()
    with pytest.raises(ServiceUnreachable, match="no Jetstream answers"):
        next(bluesky.tweets("ws://127.0.0.1:9/subscribe", Wanted(), "", State()))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_is_final(stub: Jetstream, status: int) -> None:
    stub.faults = Faults(refuse=status)
    with pytest.raises(ConfigError, match=f"refuses with {status}"):
        next(bluesky.tweets(stub.url, Wanted(), "", State()))


@pytest.mark.parametrize("url", ["", "https://jetstream.example/subscribe", "wss://", "nonsense"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        bluesky.tweets(url, Wanted(), "", State())


@pytest.mark.parametrize("position", ["", "nonsense", "1", "x y z", "1 2"])
def test_a_position_of_another_form_means_what_is_new(stub: Jetstream, position: str) -> None:
    records = bluesky.tweets(stub.url, Wanted(), position, State())
    stub.posts, stub.rate = 100_000, 100_000
    assert int(next(records).position.split(" ")[0]) > stub.events[399][0]
