"""Fail points are inert unless they are asked for, and refused on anything but a test's output."""

import os

import pytest

from config.errors import ConfigError
from config.venv import ROOT
from consumers.output import fail_points


@pytest.fixture(autouse=True)
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whom a fail point would have killed."""
    pids: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _signal: pids.append(pid))
    monkeypatch.setattr(fail_points, "_armed", None)
    monkeypatch.setattr(fail_points, "_visits", type(fail_points._visits)())
    return pids


@pytest.mark.parametrize("marked", [True, False])
def test_inert_unless_asked_for(killed: list[int], marked: bool) -> None:
    fail_points.arm("", marked)
    for name in fail_points.NAMES:
        fail_points.visit(name)
    assert killed == []


@pytest.mark.parametrize("name", fail_points.NAMES)
def test_grep_finds_where_each_is_visited(name: str) -> None:
    files = [path for room in ("consumers", "units") for path in (ROOT / room).rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files]
    assert sum(source.count(f'fail_points.visit("{name}")') for source in sources) == 1


def test_refused_on_a_real_output(killed: list[int]) -> None:
    with pytest.raises(ConfigError, match="not a test's"):
        fail_points.arm("before rename", False)
    fail_points.visit("before rename")
    assert killed == []


@pytest.mark.parametrize("spec", ["nowhere", "before rename:x", ":2"])
def test_an_unknown_point_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="no fail point"):
        fail_points.arm(spec, True)


def test_kills_at_the_visit_it_names_and_at_no_other(killed: list[int]) -> None:
    fail_points.arm("before rename:2", True)
    for name in ("before rename", "after rename", "after rename"):
        fail_points.visit(name)
    assert killed == []
    fail_points.visit("before rename")
    assert killed == [os.getppid(), os.getpid()]
