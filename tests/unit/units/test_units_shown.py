"""What the compactor shows, and its figures."""

import io
import logging
import os
import pty
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from units.figures import LATE_PAUSES, Figures
from units.report import Report
from units.shown import Shown, terminal

HOUR = 3600.0


class Tasks:
    """Spark's status tracker, with one stage at work."""

    def getActiveStageIds(self) -> list[int]:
        return [7, 8]

    def getStageInfo(self, id: int) -> Any:
        return SimpleNamespace(numCompletedTasks=3, numTasks=17) if id == 7 else None


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("units.shown._LOOK_S", 0.01)
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    with Shown(Tasks(), console) as shown:
        shown("2026-01-01T05: batches [10, 20) [b]", 10, 40)
        time.sleep(0.3)
    drawn = text.getvalue()
    assert "2026-01-01T05: batches [10, 20) [b]" in drawn and "10/40" in drawn
    assert "tasks" in drawn and "3/17" in drawn


def test_a_log_gets_a_line_for_each_step(caplog: pytest.LogCaptureFixture) -> None:
    text = io.StringIO()
    with caplog.at_level(logging.INFO), Shown(Tasks(), Console(file=text)) as shown:
        shown("one", 0, 2)
        shown("two", 1, 2)
        shown("two", 2, 2)
    assert [record.message for record in caplog.records] == ["one", "two"] and not text.getvalue()


def test_the_terminal_is_that_of_scripts_submit(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("SUBMIT_TERMINAL", os.ttyname(theirs))
    console = terminal()
    assert console.is_terminal
    console.print("here")
    assert b"here" in os.read(ours, 100)
    monkeypatch.setenv("SUBMIT_TERMINAL", "/dev/pts/none")
    assert not terminal().is_terminal


def value(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.registry.get_sample_value(name, labels)


def test_runs_are_counted_and_the_last_one_is_known() -> None:
    figures = Figures("hdfs://h/x", HOUR)
    last = value(figures, "tweets_compactor_last_run_timestamp_seconds")
    assert last is not None and last != last  # NaN: no alert before the first run
    for _ in range(2):
        figures.ended(Report(units=2, rows=9, erased=2, hours=[1.5, 30.0], batches_removed=5))
    assert value(figures, "tweets_compactor_units_total") == 4
    assert value(figures, "tweets_compactor_rows_total") == 18
    assert value(figures, "tweets_compactor_batches_removed_total") == 10
    assert value(figures, "tweets_erasure_delay_seconds_count") == 4
    assert value(figures, "tweets_erasure_delay_seconds_bucket", le="86400.0") == 2
    assert (
        abs((value(figures, "tweets_compactor_last_run_timestamp_seconds") or 0) - time.time()) < 60
    )


def test_each_figure_of_a_report_has_a_metric() -> None:
    figures, report = Figures("hdfs://h/x", None), Report()
    own = {name.partition("compactor_")[2] for name in map(str, names(figures))}
    assert set(vars(report)) - {"hours", "seconds"} <= own


def names(figures: Figures) -> list[str]:
    return [family.name for family in figures.registry.collect()]


def test_health_begins_with_the_first_run_and_ends_with_a_late_one() -> None:
    now = [0.0]
    figures = Figures("hdfs://h/x", HOUR, clock=lambda: now[0])
    assert "starting" in figures.health().reason
    figures.ended(Report())
    now[0] += LATE_PAUSES * HOUR
    assert not figures.health().reason
    now[0] += 1
    assert figures.health().reason == "no run has ended for 10801 s"
    once = Figures("hdfs://h/x", None, clock=lambda: now[0])
    once.ended(Report())
    now[0] += 100 * HOUR
    assert not once.health().reason
    assert Report().as_dict()["seconds"] == 0
