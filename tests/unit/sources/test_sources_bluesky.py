"""Bluesky against a server that speaks both wires of Jetstream: every post and deletion once,
whatever the connection does."""

import json
import logging
import time
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest

from config.errors import ConfigError, ServiceUnreachable
from local.stub_servers.jetstream import Faults, Jetstream
from local.stub_servers.jetstream_log import STATUSES
from producer.sources import Record, State
from producer.sources.bluesky import jetstream
from producer.sources.bluesky import posts as bluesky
from producer.sources.bluesky.filter import Wanted, wanted
from producer.sources.bluesky.jetstream import Event, Place, Server
from tests.conftest import wait_until

ALL = Wanted()
WIRES = ("v2", "v1")


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


def start(stub: Jetstream, wire: str = "v2") -> str:
    """The position of a reader that stands at the first event and has handed nothing over."""
    return f"{wire} 1 {stub.events[0].time_us} 127.0.0.1:{stub.port} -"


def read(
    stub: Jetstream,
    state: State,
    wanted: Wanted = ALL,
    wire: str = "v2",
    position: str = "",
    records: int = 0,
) -> list[Record]:
    """As many records over that wire from that position on as the stub has posts and deletions, or
    the number given."""
    count = records or sum(len(frames) for frames in stub.published(wire).values())
    url = {"v2": stub.v2, "v1": stub.v1}[wire]
    return list(islice(bluesky.tweets(url, wanted, position or start(stub, wire), state), count))


def by_id(records: list[Record]) -> dict[str | None, list[str | None]]:
    found: dict[str | None, list[str | None]] = {}
    for record in records:
        found.setdefault(record.id, []).append(
            record.value.decode() if record.value is not None else None
        )
    return found


def ids(stub: Jetstream) -> dict[str, int]:
    return {key: len(frames) for key, frames in stub.published().items()}


@pytest.mark.parametrize("wire", WIRES)
def test_posts_byte_for_byte_and_deletions_as_tombstones(stub: Jetstream, wire: str) -> None:
    state = State()
    found = read(stub, state, wire=wire)
    assert by_id(found) == stub.published(wire)
    assert [record.value for record in found].count(None) == 20 + 4, (
        "posts, and accounts with all of theirs"
    )
    assert state.now == f"connected to 127.0.0.1:{stub.port} ({wire})"
    assert (state.reconnects, state.repeats, state.gaps, state.cost_usd) == (0, 0, 0, 0.0)


def test_v2_is_the_first_choice_and_v1_stands_in(stub: Jetstream) -> None:
    first = Place.of(start(stub))
    position = str(first._replace(host="elsewhere", time_us=first.time_us + 1_000_000))
    state = State()
    assert next(bluesky.tweets(stub.url, ALL, position, state)).value is not None
    assert state.now.endswith("(v2)")
    stub.faults.refuse_v2 = 404
    assert next(bluesky.tweets(stub.url, ALL, position, state)).value is not None
    assert state.now.endswith("(v1)")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "faults",
    [Faults(drop_after=90), Faults(silent_after=150), Faults(drop_after=70, repeat_every=7)],
)
def test_broken_connections_cost_nothing(
    stub: Jetstream, faults: Faults, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "SAME_BACK_US", 300)  # the stub's events are microseconds apart
    stub.faults = faults
    state = State()
    found = read(stub, state, wire=wire)
    assert by_id(found) == stub.published(wire)
    assert state.reconnects >= 2
    assert state.repeats > 0


def test_the_servers_farewell_is_followed_by_a_new_connection(stub: Jetstream) -> None:
    stub.faults = Faults(error_after=100)
    state = State()
    found = bluesky.tweets(stub.v2, ALL, start(stub), state)
    for _ in range(101):
        next(found)
    assert (state.reconnects, state.now) == (1, f"connected to 127.0.0.1:{stub.port} (v2)")
    with pytest.raises(ConnectionError, match="ConsumerTooSlow: told to"):
        jetstream.event_of(b'{"$type":"error","error":"ConsumerTooSlow","message":"told to"}', "v2")


@pytest.mark.parametrize("wire", WIRES)
def test_bad_frames_are_handed_on_and_end_nothing(stub: Jetstream, wire: str) -> None:
    stub.faults = Faults(bad_every=50)
    posts = sum(len(frames) for frames in stub.published().values())
    found = read(stub, State(), wire=wire, records=posts + posts // 50)
    good = by_id(found)
    assert len(good.pop(None)) >= 6
    assert set(good) <= set(stub.published())


@pytest.mark.parametrize("wire", WIRES)
def test_the_next_run_begins_behind_the_last_record(stub: Jetstream, wire: str) -> None:
    whole = read(stub, State(), wire=wire)
    state = State()
    rest = read(stub, state, wire=wire, position=whole[149].position, records=len(whole) - 150)
    assert rest == whole[150:]
    assert state.repeats == (1 if wire == "v2" else 150), "they came again, and were recognised"


def test_events_of_one_time_and_bad_frames_do_not_bring_the_overlap_again() -> None:
    """k2 and k3 have one time (a thread is one commit); the run before ended with k3."""
    last = Place("v1", 0, 20, "h", "k3")
    server = Server("ws://h/subscribe", "v1")
    reader = bluesky._Reader([server], ALL, last, State())
    bad = bluesky._Arrived(Record(None, b"cut"))
    arriving = [
        bluesky._Arrived(Record(name, b""), Place("v1", 0, time_us, "h", name))
        for name, time_us in (("k1", 10), ("k2", 20), ("k3", 20), ("k4", 30))
    ]
    behind = [arrived.record.id for arrived in reader._behind(iter([bad, *arriving]), server)]
    assert behind == ["k4"]


def test_another_host_is_asked_for_more_than_it_may_lag(stub: Jetstream) -> None:
    """Its clock and order are its own: nothing may be left out there, and what came before is
    known."""
    place = Place.of(start(stub))
    same, other = Server(stub.v2, "v2"), Server("ws://other/subscribe", "v1")
    assert place.cursor(same) == 1
    assert place.cursor(other) == place.time_us - 300_000_000
    assert place._replace(wire="v1").cursor(Server(stub.v1, "v1")) == place.time_us - 5_000_000
    assert place._replace(wire="v1").cursor(same) == place.time_us - 300_000_000, (
        "a sequence number and a time are never mixed"
    )
    assert place._replace(host="elsewhere").cursor(same) == place.time_us - 300_000_000
    assert Place().cursor(same) == 0


def test_a_host_that_lagged_is_left_without_loss(stub: Jetstream) -> None:
    """It saw everything a minute after the other one: what it had not sent yet is older on the
    other's clock."""
    late = stub.events[200].time_us + 60_000_000
    position = f"v2 77 {late} lagging.example {stub.events[200].key}/rev"
    found = by_id(read(stub, State(), position=position))
    assert found == stub.published()


def test_an_event_that_does_not_come_again_holds_nothing_back(stub: Jetstream) -> None:
    whole = read(stub, State(), wire="v1")
    place = Place.of(whole[149].position)
    found = read(
        stub,
        State(),
        wire="v1",
        position=str(place._replace(event="did:plc:gone/1/rev")),
        records=200,
    )
    assert Place.of(found[-1].position).time_us > place.time_us
    assert whole[149] in found


class TestGaps:
    """What the server no longer has is said and counted; each of its ways to answer is one of
    these."""

    OLD = "did:plc:invented0/3l00000000000/rev0000000000"

    @pytest.mark.parametrize("wire", WIRES)
    def test_away_for_longer_than_the_server_keeps(
        self, stub: Jetstream, wire: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """v1 clamps in silence, v2 says OutdatedCursor when it is asked by time: here of another
        host's."""
        away_us = stub.events[0].time_us - 50 * 3_600_000_000
        state = State()
        host = "elsewhere" if wire == "v2" else f"127.0.0.1:{stub.port}"
        found = read(stub, state, wire=wire, position=f"{wire} 5 {away_us} {host} {self.OLD}")
        assert by_id(found) == stub.published(wire)
        assert (state.gaps, round(state.gap_s / 3600)) == (1, 50)
        assert "posts are missing" in caplog.text
        assert ("OutdatedCursor" in caplog.text) == (wire == "v2")

    def test_a_number_that_is_too_old(self, caplog: pytest.LogCaptureFixture) -> None:
        with Jetstream(rate=0) as stub:
            long_ago = time.time_ns() // 1000 - 40 * 3_600_000_000
            for number in range(10):
                stub.log.add(number, long_ago + number)
            for number in range(10, 30):
                stub.log.add(number)
            state = State()
            first = next(
                bluesky.tweets(
                    stub.v2, ALL, f"v2 3 {long_ago + 2} 127.0.0.1:{stub.port} {self.OLD}", state
                )
            )
            assert first.position.startswith("v2 11 ")
            assert (state.gaps, round(state.gap_s / 3600)) == (1, 40)
            assert "does not continue at event 3" in caplog.text
            assert ["cursor=3" in path for path in stub.asked] == [True, False]

    def test_numbers_of_an_archive_that_is_no_more(
        self, stub: Jetstream, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The server begins with what is new and says FutureCursor; by time it has what is
        between."""
        state = State()
        position = f"v2 70000 {stub.events[100].time_us} 127.0.0.1:{stub.port} did:plc:gone/1/rev"
        found = read(stub, state, position=position, records=200)
        assert "FutureCursor" in caplog.text
        assert (
            found[-1].id == [event for event in stub.events if event.key in ids(stub)][-1].key
            or len(found) == 200
        )
        assert state.gaps == 0

    def test_no_gap_where_nothing_is_missing(
        self, stub: Jetstream, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        whole = read(stub, State())
        again = State()
        read(stub, again, position=whole[-2].position, records=1)
        assert (again.gaps, caplog.text) == (0, "")


def test_the_filter_reads_keywords_and_languages(stub: Jetstream) -> None:
    found = read(stub, State(), wanted(" COFFEE, soup ", "DE"), records=30)
    posts = [
        json.loads(record.value)["payload"]["record"]
        for record in found
        if record.value is not None
    ]
    assert posts
    for post in posts:
        assert "coffee" in post["text"] or "soup" in post["text"]
        assert post["langs"] == ["de-AT"]
    assert None in [record.value for record in found], (
        "deletions come whatever the keywords: they say only an id"
    )


@pytest.mark.parametrize("wire", WIRES)
def test_deletions_can_be_left_out(stub: Jetstream, wire: str) -> None:
    found = read(stub, State(), wanted("", "", "none"), wire=wire, records=316)
    assert None not in [record.value for record in found]
    assert ("kinds=account" in stub.asked[-1]) is False


@pytest.mark.parametrize(
    ("account", "gone"),
    [
        *(({"active": False, "status": status}, True) for status in STATUSES),
        ({"active": False}, True),
        ({"active": False, "status": None}, True),
        ({"active": False, "status": "throttled"}, False),
        ({"active": False, "status": "desynchronized"}, False),
        ({"active": True}, False),
    ],
)
def test_an_account_that_goes_is_a_tombstone_for_all_of_its_posts(
    account: dict[str, object], gone: bool
) -> None:
    did = "did:plc:invented1"
    old = {
        "did": did,
        "time_us": 9,
        "kind": "account",
        "account": {"did": did, "seq": 4, **account},
    }
    of_old = jetstream.event_of(json.dumps(old).encode(), "v1")
    payload = {
        "$type": "…#account",
        "seq": 7,
        "did": did,
        "time": "1970-01-01T00:00:00.000009Z",
        "account": old["account"],
    }
    of_new = jetstream.event_of(json.dumps({"$type": "message", "payload": payload}).encode(), "v2")
    name = f"{did}/account/4"
    assert of_old == (Event(Record(did, None), name, 0, 9) if gone else None)
    assert of_new == (Event(Record(did, None), name, 7, 9) if gone else None)


def test_the_next_address_stands_in(stub: Jetstream) -> None:
    state = State()
    found = bluesky.tweets(
        f"ws://127.0.0.1:9, {stub.url}", Wanted(), start(stub).replace(str(stub.port), "9"), state
    )
    assert next(found).id is not None
    assert (state.reconnects, state.now) == (1, f"connected to 127.0.0.1:{stub.port} (v2)")


def test_a_run_begins_with_the_host_of_its_position(stub: Jetstream) -> None:
    """Another one would send the last five minutes again, and they would not be recognised."""
    state = State()
    next(bluesky.tweets(f"ws://127.0.0.1:9,{stub.url}", ALL, start(stub), state))
    assert state.reconnects == 0


def test_a_host_that_refuses_is_left_for_the_next(
    stub: Jetstream, caplog: pytest.LogCaptureFixture
) -> None:
    with Jetstream(rate=0) as bad:
        bad.faults.refuse = 404
        state = State()
        position = start(stub).replace(str(stub.port), str(bad.port))
        next(bluesky.tweets(f"{bad.url},{stub.url}", ALL, position, state))
        assert state.now == f"connected to 127.0.0.1:{stub.port} (v2)"
        assert f"127.0.0.1:{bad.port} (v2) refuses with 404" in caplog.text


def test_a_silent_host_is_said_and_left_for_the_next(
    stub: Jetstream, caplog: pytest.LogCaptureFixture
) -> None:
    with Jetstream(rate=0) as silent:
        state = State()
        position = start(stub).replace(str(stub.port), str(silent.port))
        assert next(bluesky.tweets(f"{silent.v2},{stub.v2}", ALL, position, state)).id is not None
        assert silent.connections == 1
        assert state.now == f"connected to 127.0.0.1:{stub.port} (v2)"
        assert f"127.0.0.1:{silent.port} (v2) is connected, but silent for" in caplog.text


def test_a_host_that_replays_and_then_stands_still_is_left_for_the_next(stub: Jetstream) -> None:
    """It has all that we have had, and nothing new: that is no progress, on a wire where v2 is
    refused, too."""
    with Jetstream(rate=100_000, posts=400, seed=2) as stalled:
        wait_until(lambda: len(stalled.events) == 400, 10, "the events are there")
        stalled.faults = Faults(silent_after=100, refuse_v2=404)
        stub.faults.refuse_v2 = 404
        state = State()
        found = bluesky.tweets(f"{stalled.url},{stub.url}", ALL, start(stalled, "v1"), state)
        hosts = [Place.of(next(found).position).host for _ in range(200)]
        assert hosts[0] == f"127.0.0.1:{stalled.port}" and hosts[-1] == f"127.0.0.1:{stub.port}"


def test_too_many_connections_are_waited_out(stub: Jetstream) -> None:
    stub.faults.refuse = 429
    state = State()
    found = bluesky.tweets(stub.url, ALL, start(stub), state)
    with pytest.raises(ServiceUnreachable, match="refuses with 429"):
        next(found)
    stub.faults.refuse = 0
    reader = bluesky.tweets(stub.url, ALL, start(stub), state)
    next(reader)
    assert state.now.endswith("(v2)")


def test_nobody_answers() -> None:
    begun = time.monotonic()
    with pytest.raises(ServiceUnreachable, match="no Jetstream answers"):
        next(bluesky.tweets("ws://127.0.0.1:9", Wanted(), "", State()))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("status", [400, 404])
def test_when_all_refuse_the_run_ends(stub: Jetstream, status: int) -> None:
    stub.faults = Faults(refuse=status)
    with pytest.raises(
        ConfigError,
        match=rf"every Jetstream refuses: .*\(v2\) refuses with {status}, .*\(v1\) refuses",
    ):
        next(bluesky.tweets(stub.url, Wanted(), "", State()))


@pytest.mark.parametrize(
    "url", ["", "https://jetstream.example/subscribe", "wss://", "nonsense", "wss://host/other"]
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        bluesky.tweets(url, Wanted(), "", State())


@pytest.mark.parametrize(
    "position", ["", "nonsense", "1", "x y z", "1 2", "v3 1 2 h e", "v2 x 2 h e"]
)
def test_a_position_of_another_form_means_what_is_new(stub: Jetstream, position: str) -> None:
    assert Place.of(position) == Place()
    records = bluesky.tweets(stub.url, Wanted(), position, State())
    stub.posts, stub.rate = 100_000, 100_000
    assert Place.of(next(records).position).time_us > stub.events[399].time_us


def test_positions_of_earlier_versions_are_v1s() -> None:
    assert Place.of("1795702387246195 h did:plc:a/b/c") == Place(
        "v1", 0, 1795702387246195, "h", "did:plc:a/b/c"
    )


def test_a_time_without_its_zone_is_a_frame_that_cannot_be_understood() -> None:
    frame = (
        b'{"$type":"message","payload":{"$type":"x#commit","seq":1,"did":"d",'
        b'"time":"2026-01-01T00:00:00","rkey":"r"}}'
    )
    with pytest.raises(msgspec.ValidationError):
        jetstream.event_of(frame, "v2")
