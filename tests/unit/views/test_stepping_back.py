"""A follower takes the processor that others leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from views.follow import NICE

SAID = "import views.follow as f, os, pathlib as p; f._step_back(); print(os.nice(0));"
GROUP = Path("/proc/self/autogroup")


def grouped() -> bool:
    """Whether the kernel groups processes by session; told not to, it shows an empty file."""
    return GROUP.exists() and GROUP.read_text() != ""


def stepped_back(alone: bool) -> list[str]:
    """The nice values of a process, in a session of its own or not, and of its session."""
    code = SAID + f"print(p.Path('{GROUP}').read_text().split()[-1])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, start_new_session=alone, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(not grouped(), reason="the kernel does not group processes by session")
def test_it_steps_back_behind_other_sessions_and_leaves_that_of_others_alone() -> None:
    nice, ours = str(min(os.nice(0) + NICE, 19)), GROUP.read_text().split()[-1]
    assert stepped_back(alone=True) == [nice, str(NICE)]
    assert stepped_back(alone=False) == [nice, ours]
