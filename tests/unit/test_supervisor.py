"""When the supervisor starts a job again, and when it does not."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from scripts.machine.supervisor import supervise


def run(codes: list[int]) -> tuple[int, list[float], int]:
    """Supervise jobs that end with these codes (negative: by that signal); its result, its pauses, and how many it started."""
    left: Iterator[int] = iter(codes)
    pauses: list[float] = []
    started = 0

    def start() -> "subprocess.Popen[bytes]":
        nonlocal started
        started += 1
        code = next(left)
        how = f"import os; os.kill(os.getpid(), {-code})" if code < 0 else f"raise SystemExit({code})"
        return subprocess.Popen([sys.executable, "-c", how])

    return supervise(start, pauses.append), pauses, started


def test_a_service_away_a_kill_and_a_fence_start_it_again_after_a_growing_pause() -> None:
    assert run([1, -9, 4, 1, 0]) == (0, [1, 2, 4, 8], 5)


@pytest.mark.parametrize("code", [2, 3, 5, 6])
def test_wrong_configuration_and_the_risk_of_loss_end_it(code: int) -> None:
    assert run([code]) == (code, [], 1)


def test_two_jobs_that_fence_each_other_are_said_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([4, 4, 4]) == (4, [1, 2], 3)
    assert "two jobs share this output" in capfd.readouterr().err
