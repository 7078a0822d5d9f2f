"""Bluesky's faults against a real broker: every post and deletion of the stub is on the topic, and
the figures are exact."""

import time
from pathlib import Path
from typing import Any

import pytest

from local.stub_servers.jetstream import Faults, Jetstream
from producer.report import Report
from producer.run import Run
from producer.sources.bluesky import jetstream
from producer.sources.bluesky import posts as bluesky
from tests.conftest import Services, wait_until
from tests.kit.producing import Published, assert_ledger_matches, published, run_here, under_way

EVENTS = 400
# the rest are likes and markers; some accounts end
POSTS = EVENTS - 3 * EVENTS // 50 - EVENTS // 10 + EVENTS // 100
DELETIONS = EVENTS // 20 + EVENTS // 100


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluesky, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(bluesky, "SILENCE_S", 0.5)
    monkeypatch.setattr(jetstream, "SAME_BACK_US", 300)  # the stub's events are microseconds apart


def run_of(
    services: Services, stub: Jetstream, topic: str, folder: Path, posts: int, **chosen: Any
) -> Run:
    """A run that ends after this number of records, over v2 unless told."""
    return run_here(
        services,
        topic,
        folder,
        source="bluesky",
        max_posts=posts,
        **{"jetstream_url": stub.v2, **chosen},
    )


def speak(stub: Jetstream) -> None:
    """Have the stub make its events, once the producer listens: without a position it gets what is
    new."""
    wait_until(lambda: stub.connections, 30, "the producer has subscribed")
    stub.rate = 100_000


def by_key(found: Published) -> dict[str, list[str | None]]:
    """Per post's id its values in the order of the topic, None for a tombstone; without what has no
    id."""
    values: dict[str, list[str | None]] = {}
    for _, (key, value) in sorted(found.items()):
        if key is not None:
            values.setdefault(key.decode(), []).append(
                value.decode() if value is not None else None
            )
    return values


def assert_exact(report: Report, found: Published) -> None:
    assert (report.read, report.acked) == (len(found), len(found))
    assert (report.failed, report.rejected, report.spooled, report.from_spool, report.cost_usd) == (
        0,
        0,
        0,
        0,
        0.0,
    )
    assert report.bytes == sum(len(value or b"") for _, value in found.values())


@pytest.mark.parametrize("wire", ["v2", "v1"])
@pytest.mark.parametrize(
    ("faults", "bad"),
    [
        (Faults(), 0),
        (Faults(drop_after=90), 0),
        (Faults(silent_after=150), 0),
        (Faults(repeat_every=7), 0),
        (Faults(bad_every=50), 6),
    ],
    ids=["none", "drop", "silence", "repeats", "bad frames"],
)
def test_each_post_and_deletion_once(
    faults: Faults, bad: int, wire: str, services: Services, topic: str, tmp_path: Path
) -> None:
    bad += bool(bad and wire == "v1")  # it sends identities unasked, so more frames
    with Jetstream(rate=0, posts=EVENTS, faults=faults) as stub:
        run = run_of(
            services,
            stub,
            topic,
            tmp_path,
            POSTS + bad,
            jetstream_url={"v2": stub.v2, "v1": stub.v1}[wire],
        )
        with under_way(run):
            speak(stub)
        report, found = run.report(), published(services, topic)
        assert by_key(found) == stub.published(wire)
        assert [value for _, value in found.values()].count(None) == DELETIONS, (
            "each a tombstone behind its post"
        )
        assert [key for key, _ in found.values()].count(None) == bad, (
            "what is no event comes too: the jobs will reject it"
        )
        assert_exact(report, found)
        assert_ledger_matches(tmp_path / "ledger", topic, found)
        assert (report.reconnects >= 2) == bool(faults.drop_after or faults.silent_after)
        assert (report.repeats > 0) == bool(
            faults.drop_after or faults.silent_after or faults.repeat_every
        )


def test_a_server_that_is_away_is_waited_for(
    services: Services, topic: str, tmp_path: Path
) -> None:
    with Jetstream(rate=0, posts=EVENTS) as stub:
        run = run_of(services, stub, topic, tmp_path, POSTS)
        with under_way(run):
            wait_until(lambda: stub.connections, 30, "the producer has subscribed")
            stub.faults.refuse = 503
            stub.faults.drop_after = 1
            stub.rate = 100_000
            wait_until(
                lambda: "503" in run.report().state and len(stub.events) == EVENTS,
                30,
                "the producer is refused",
            )
            stub.faults.refuse = stub.faults.drop_after = 0
        found = published(services, topic)
        assert by_key(found) == stub.published()
        assert_exact(run.report(), found)


def test_the_next_run_goes_on_at_the_cursor(services: Services, topic: str, tmp_path: Path) -> None:
    with Jetstream(rate=0, posts=EVENTS) as stub:
        first = run_of(services, stub, topic, tmp_path, 100)
        with under_way(first):
            speak(stub)
        wait_until(lambda: len(stub.events) == EVENTS, 30, "there is more")
        again = run_of(services, stub, topic, tmp_path, POSTS - 100)
        with under_way(again):
            pass
        found = published(services, topic)
        assert (first.report().acked, again.report().acked, again.report().from_spool) == (
            100,
            POSTS - 100,
            0,
        )
        assert again.report().repeats > 0, "it began a little before"
        assert by_key(found) == stub.published()
        assert len(found) == POSTS


def test_a_gap_beyond_what_the_server_keeps_is_in_the_report(
    services: Services, topic: str, tmp_path: Path
) -> None:
    with Jetstream(rate=0, posts=EVENTS) as stub:
        first = run_of(services, stub, topic, tmp_path, 1)
        with under_way(first):
            wait_until(lambda: stub.connections, 30, "the producer has subscribed")
            stub.log.add(0, time.time_ns() // 1000 - 40 * 3_600_000_000)
        stub.rate = 100_000
        wait_until(lambda: len(stub.events) > 100, 30, "there is more")
        again = run_of(services, stub, topic, tmp_path, 50)
        with under_way(again):
            pass
        report = again.report()
        assert (first.report().acked, report.acked, report.gaps) == (1, 50, 1)
        assert report.gap_seconds == pytest.approx(40 * 3600, abs=60)
