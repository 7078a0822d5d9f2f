"""X's faults against a real broker: what the stub has delivered is on the topic, and the figures
are exact."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.errors import PipelineError
from local.stub_servers.x import XStub
from local.stub_servers.x_handler import BURST
from producer.report import Report
from producer.run import Run
from producer.sources.x import opening
from producer.sources.x import wire as x_wire
from tests.conftest import Services, wait_until
from tests.kit.producing import (
    Published,
    assert_ledger_matches,
    clocked,
    published,
    run_here,
    under_way,
)

AFTER_A_CONNECTION = {
    "close": "closed",
    "reset": "broken off",
    "silence": "silent for 1 s",
    "notice": "operational-disconnect",
}
INSTEAD_OF_ONE = {
    "503": "in 5 s",
    "429": "in 60 s",
    "429_reset": "429",
    "too_many_connections": "TooMany",
    "409": "no rules",
}
INSTEAD_OF_ONE |= {"maintenance": "503", "429_day": "429"}
SHAPES = (
    "broken_json",
    "missing_tag",
    "new_names",
    "partial_errors",
    "duplicate",
    "disorder",
    "burst",
)
REFUSALS = {"401": 5, "403": 5, "402": 6, "usage_capped": 6}


def stream(
    services: Services, x: XStub, topic: str, folder: Path, posts: int, **chosen: Any
) -> Run:
    """A run of the stream that ends after this many posts."""
    chosen = {"source": "stream", "track": "coffee", "fill_gaps": "7d", **chosen}
    return run_here(services, topic, folder, max_posts=posts, x_base_url=x.url, **chosen)


def away(monkeypatch: pytest.MonkeyPatch, x: XStub, posts: int = 30) -> list[str]:
    """Have X post some while the producer makes its first pause, and no pause last; returns the
    state lines of the pauses."""
    said: list[str] = []

    def pause(seconds: float) -> None:
        x.world.ahead_s += seconds
        if not said:
            x.world.invent(posts)
        said.append(RUNS[-1].report().state)

    monkeypatch.setattr(opening, "time", SimpleNamespace(sleep=pause))
    return said


RUNS: list[Run] = []  # the last one is under way


def assert_exact(report: Report, x: XStub, found: Published, extra: int = 0) -> None:
    """The report tells what is on the topic, what it cost, and nothing else; `extra` are records
    that are no posts."""
    assert (report.read, report.acked) == (len(found), len(found))
    assert (report.failed, report.rejected, report.spooled, report.from_spool) == (0, 0, 0, 0)
    assert report.bytes == sum(len(value or b"") for _, value in found.values())
    assert sum(1 for key, _ in found.values() if key) == len(found) - extra
    assert report.cost_usd == pytest.approx(x.world.bill.table()["usd"], abs=0.0006), (
        "what X charges, to the cent"
    )


def ids_of(found: Published) -> list[str]:
    return sorted(key.decode() for key, _ in found.values() if key)


def ids_at(x: XStub) -> list[str]:
    return sorted(post["data"]["id"] for post in x.world.posts)


@pytest.mark.parametrize("kind", [*AFTER_A_CONNECTION, *INSTEAD_OF_ONE])
def test_a_gap_is_filled(
    kind: str, services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x_wire, "SILENCE_S", 1.0 if kind == "silence" else 21.0)
    with clocked(monkeypatch) as x:
        said = away(monkeypatch, x)
        x.world.invent(20)
        if kind in INSTEAD_OF_ONE:
            x.fault("close", after=20)
        x.fault(kind, after=20)
        RUNS.append(stream(services, x, topic, tmp_path, 50))
        RUNS[-1].go()
        report = RUNS[-1].report()
        found = published(services, topic)
        assert any({**AFTER_A_CONNECTION, **INSTEAD_OF_ONE}[kind] in line for line in said), said
        assert (report.backfilled, report.repeats, report.stopped_by) == (30, 0, "max_posts")
        assert report.reconnects == len(said) == (2 if kind in INSTEAD_OF_ONE else 1)
        assert_exact(report, x, found)
        assert_ledger_matches(tmp_path / "ledger", topic, found)
        assert ids_of(found) == ids_at(x), "each post once"
        assert {
            key.decode(): value for key, value in found.values() if key
        }.items() >= x.delivered.items()
        assert len(x.world.rules) == 1


@pytest.mark.parametrize("kind", SHAPES)
def test_what_x_sends_is_taken_as_it_is(
    kind: str, services: Services, topic: str, tmp_path: Path
) -> None:
    with XStub() as x:
        x.world.invent(20)
        x.fault(kind, after=20)
        extra = {"broken_json": 1}.get(kind, 0)
        run = stream(services, x, topic, tmp_path, 50 + extra + (BURST if kind == "burst" else 0))
        threading.Thread(target=_post_later, args=(x,), daemon=True).start()
        run.go()
        report, found = run.report(), published(services, topic)
        assert (report.reconnects, report.backfilled, report.repeats) == (
            0,
            0,
            29 if kind == "duplicate" else 0,
        )
        assert_exact(report, x, found, extra)
        assert_ledger_matches(tmp_path / "ledger", topic, found)
        assert ids_of(found) == ids_at(x), "each post once"
        assert {key.decode(): value for key, value in found.values() if key} == x.delivered


def _post_later(x: XStub) -> None:
    wait_until(lambda: not x.faults, 30, "the fault has happened")
    x.world.invent(30)


@pytest.mark.parametrize(("kind", "code"), REFUSALS.items())
def test_a_refusal_ends_the_run_and_the_next_one_fills_the_gap(
    kind: str,
    code: int,
    services: Services,
    topic: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with clocked(monkeypatch) as x:
        away(monkeypatch, x)
        x.world.invent(20)
        x.fault("close", after=20)
        x.fault(kind)
        RUNS.append(stream(services, x, topic, tmp_path, 50))
        with pytest.raises(PipelineError) as raised:
            RUNS[-1].go()
        assert (raised.value.exit_code, bool(raised.value.remedy)) == (code, True)
        report = RUNS[-1].report()
        assert (report.stopped_by, report.backfilled, report.reconnects) == ("error", 0, 1)
        assert (report.read, report.acked, report.failed, report.spooled) == (20, 20, 0, 0)
        assert len(published(services, topic)) == 20

        again = stream(services, x, topic, tmp_path, 50)
        with under_way(again):
            wait_until(lambda: again.report().backfilled >= 30, 30, "the gap is filled")
            x.world.invent(50)
        found = published(services, topic)
        missed = set(ids_at(x)[20:50])
        assert missed <= set(ids_of(found)), (
            "those of the last seconds may come again, with the same keys"
        )
        assert_ledger_matches(tmp_path / "ledger", topic, found)


def test_a_search_goes_on_where_it_was(
    services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"source": "search", "query": "coffee", "interval": 1}
    with clocked(monkeypatch, page_size=7) as x:
        said = away(monkeypatch, x, posts=1)
        x.world.invent(30, ago_s=60)
        RUNS.append(run_here(services, topic, tmp_path, **chosen, x_base_url=x.url, max_posts=31))
        RUNS[-1].go()
        assert set(said) == {"next search in 1 s"}
        assert_exact(RUNS[-1].report(), x, published(services, topic))
        x.requests.clear()
        newest = ids_at(x)[-1]
        x.world.invent(9)
        again = run_here(services, topic, tmp_path, **chosen, x_base_url=x.url, max_posts=9)
        again.go()
        assert {asked["since_id"] for asked in x.queries("/search/recent")} == {newest}
        assert (again.report().read, again.report().acked, again.report().from_spool) == (9, 9, 0)
        found = published(services, topic)
        assert ids_of(found) == ids_at(x), "each post once, over both runs"
        assert_ledger_matches(tmp_path / "ledger", topic, found)
