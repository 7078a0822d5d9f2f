"""Runs a job again when it ends for a reason that passes: a service away, a kill, a newer driver."""

import signal
import subprocess
import time
from collections.abc import Callable

from scripts.machine.say import say

AGAIN = (1, 4, 134, 137, 139, 143)  # a service is away, fenced; the JVM crashed, killed, crashed, terminated
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 120.0  # a job that ran so long has recovered: the next trouble is a new one
FENCED_AT_MOST = 3  # in a row: somebody else's supervisor does the same to the same output


def _sleep(seconds: float, asked: Callable[[], bool]) -> None:
    """Sleep for so long, or until somebody asks for the end."""
    until = time.monotonic() + seconds
    while not asked() and time.monotonic() < until:
        time.sleep(0.2)


def supervise(start: Callable[[], "subprocess.Popen[bytes]"], sleep: Callable[[float, Callable[[], bool]], None] = _sleep) -> int:
    """Start the job until it ends for good; the result is its exit code. SIGINT and SIGTERM go to the job and end it."""
    pause, fenced = FIRST_PAUSE_S, 0
    job: subprocess.Popen[bytes] | None = None
    asked = False

    def forward(number: int, _frame: object) -> None:
        nonlocal asked
        asked = True
        if job is not None:
            job.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    while True:
        begun = time.monotonic()
        job = start()
        if asked:  # while it was started
            job.send_signal(signal.SIGTERM)
        code = job.wait()
        code = 128 - code if code < 0 else code
        steady = time.monotonic() - begun > STEADY_S
        pause, fenced = (FIRST_PAUSE_S, 0) if steady else (pause, fenced)
        fenced = fenced + 1 if code == 4 else 0
        if asked or code not in AGAIN:
            return code
        if fenced == FENCED_AT_MOST:
            say("supervisor: fenced again and again: two jobs share this output\n  next: stop one, or give it another --output")
            return code
        say(f"supervisor: the job ended with {code}, starting it again in {pause:g} s")
        sleep(pause, lambda: asked)
        if asked:
            return code
        pause = min(pause * 2, LONGEST_PAUSE_S)
