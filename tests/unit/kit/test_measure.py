"""What is counted as a program's own."""

import os
import subprocess
import sys

from benchmarks.measure import Sessions

# starts a process in a session of its own, and says which that is
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], start_new_session=True, stdin=0)
print(child.pid, flush=True)
child.wait()
"""


def test_a_session_that_a_program_starts_is_counted_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdin and run.stdout
        child, sessions = int(run.stdout.readline()), Sessions()
        sessions.leaders = {run.pid}
        sessions.sample()
        run.stdin.close()
    assert sessions.leaders == {run.pid, child}
    assert os.getsid(0) not in sessions.leaders
