"""When the supervisor starts a job again, and when it does not."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from monitoring import supervisor
from monitoring.supervisor import supervise


def run(
    codes: list[int], progress: Path | None = None, published: frozenset[int] = frozenset()
) -> tuple[int, list[float], int]:
    """Supervise jobs that end with these codes (negative: by that signal); its result, its pauses,
    and how many it started. Those of these numbers publish a batch."""
    left: Iterator[int] = iter(codes)
    pauses: list[float] = []
    started = 0

    def start() -> "subprocess.Popen[bytes]":
        nonlocal started
        started += 1
        code = next(left)
        if progress and started in published:
            progress.touch()
        how = (
            f"import os; os.kill(os.getpid(), {-code})" if code < 0 else f"raise SystemExit({code})"
        )
        return subprocess.Popen([sys.executable, "-c", how])

    code = supervise(start, lambda seconds, _asked: pauses.append(seconds), progress)
    return code, pauses, started


def test_a_service_away_a_kill_and_a_fence_start_it_again_after_a_growing_pause() -> None:
    assert run([1, -9, 4, 1, -6, 0]) == (0, [1, 2, 4, 8, 16], 6)


@pytest.mark.parametrize(
    "code",
    [50, 51, 52, 101, 128 + signal.SIGHUP, 143, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT],
)
def test_whatever_may_pass_starts_it_again(code: int) -> None:
    assert run([code, 0]) == (0, [1], 2)


def test_it_gives_up_aloud_when_no_start_comes_to_anything(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The last code is the supervisor's: a batch that kills each driver would otherwise do so for
    ever."""
    code, pauses, started = run([1, -9, -6] * 20)
    assert (code, started) == (134, supervisor.STARTS_AT_MOST)
    assert pauses[-1] == supervisor.LONGEST_PAUSE_S
    said = capfd.readouterr().err
    assert (
        "gives up: 30 starts in a row made no progress, the last ended with 134\n  next: see"
        " what the job said" in said
    )


def test_a_job_that_ran_for_long_has_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY_S", 0.0)
    code, pauses, started = run([1] * 40 + [0])
    assert (code, started) == (0, 41)
    assert set(pauses) == {supervisor.FIRST_PAUSE_S}


def test_a_published_batch_is_progress(tmp_path: Path) -> None:
    """Every 29th start publishes, so that no thirty in a row come to nothing."""
    progress, published = tmp_path / "progress", frozenset(range(29, 90, 29))
    code, pauses, started = run([1] * 88 + [0], progress, published)
    assert (code, started) == (0, 89)
    assert [at + 1 for at, pause in enumerate(pauses) if pause == supervisor.FIRST_PAUSE_S] == [
        1,
        *sorted(published),
    ]


@pytest.mark.parametrize("code", [2, 3, 5, 6, 130])
def test_wrong_configuration_and_the_risk_of_loss_end_it(code: int) -> None:
    assert run([code]) == (code, [], 1)


def test_two_jobs_that_fence_each_other_are_said_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([4, 4, 4]) == (4, [1, 2], 3)
    assert "two jobs share this output" in capfd.readouterr().err


@pytest.mark.parametrize("when", ["while the job is started", "in the pause"])
def test_a_signal_between_two_jobs_ends_it_at_once(when: str) -> None:
    started = 0

    def start() -> "subprocess.Popen[bytes]":
        nonlocal started
        started += 1
        if started == 2 and when == "while the job is started":
            os.kill(os.getpid(), signal.SIGTERM)
        ending = "raise SystemExit(1)" if started == 1 else "import time; time.sleep(60)"
        return subprocess.Popen([sys.executable, "-c", ending])

    if when == "in the pause":
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    begun = time.monotonic()
    with patch.object(supervisor, "FIRST_PAUSE_S", 30.0 if when == "in the pause" else 0.1):
        assert supervise(start) == (1 if when == "in the pause" else 128 + signal.SIGTERM)
    assert time.monotonic() - begun < 20
