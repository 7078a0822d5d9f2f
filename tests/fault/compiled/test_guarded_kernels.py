"""No compiled kernel reads or writes beyond an array, whatever comes: FUZZ_SECONDS for each,
FUZZ_SEED to repeat a run."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "tests" / "kit" / "faults" / "guarded_kernels.py"
SEED = os.environ.get("FUZZ_SEED") or str(time.time_ns())
KERNELS = ("frames", "texts")


def attack(what: str, seconds: float, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), what, str(seconds), SEED, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 240, check=False
    )


def stands(what: str, seconds: float) -> None:
    print(f"FUZZ_SEED={SEED}")
    done = attack(what, seconds)
    last = (done.stdout.split() or ["none"])[-1]
    again = f"python tests/kit/faults/guarded_kernels.py {what} 1 {SEED} {last}"
    assert done.returncode == 0, (
        f"{what} ended with {done.returncode}; again: {again}\n{done.stderr[-4000:]}"
    )
    assert int(last) > 10 * seconds, "it got somewhere"
    print(f"{what}: {last} rounds")


@pytest.mark.parametrize("what", KERNELS)
def test_nothing_beyond_an_array(what: str) -> None:
    stands(what, float(os.environ.get("FUZZ_SECONDS", "30")))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("what", KERNELS)
def test_nothing_beyond_an_array_for_an_hour(what: str) -> None:
    stands(what, float(os.environ.get("FUZZ_SECONDS", "1800")))


def test_the_guard_convicts() -> None:
    """With the bug of old, 14 bytes read behind a topic's name, it ends by SIGSEGV."""
    assert attack("frames", 30, "--plant", "no-room").returncode == -signal.SIGSEGV
