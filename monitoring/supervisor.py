"""Starts a job again unless its end is final: an unreachable service, a kill, a crash and a newer
driver pass. It gives up when no start makes progress."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Done, wrong configuration, risk of loss, credentials, quota of the source, ended by hand. All
# others are tried again: services out of reach (1), a newer driver (4), Spark's own ends (50 to
# 52), each signal (the JVM crashed, was killed, had no memory).
FOR_GOOD = (0, 2, 3, 5, 6, 130)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
# What has made progress has recovered: the next trouble is a new one. A producer has after ten
# minutes. A job has when it has published, for what kills it at the same batch each time may take
# long to do so; with nothing to publish it has after a day.
STEADY_S, QUIET_S = 600.0, 24 * 3600.0
# in a row without progress: half an hour of crashes, an hour and a half of a service that is away
STARTS_AT_MOST = 30
FENCED_AT_MOST = 3  # in a row: another supervisor is doing the same to the same output


def _sleep(seconds: float, asked: Callable[[], bool]) -> None:
    """Sleep for `seconds`, or until the end is asked for."""
    until = time.monotonic() + seconds
    while not asked() and time.monotonic() < until:
        time.sleep(0.2)


def _touched(progress: Path | None) -> int:
    return progress.stat().st_mtime_ns if progress and progress.exists() else 0


def _say(text: str) -> None:
    print(f"supervisor: {text}", file=sys.stderr, flush=True)


def _hopeless(fenced: int, unsteady: int, code: int) -> str:
    """Why another start would not help, and what to do; empty while it might."""
    if fenced == FENCED_AT_MOST:
        return (
            "fenced three times in a row: two jobs share this output\n  next: stop one, or give it "
            "another --output"
        )
    if unsteady == STARTS_AT_MOST:
        what = f"gives up: {unsteady} starts in a row made no progress, the last ended with {code}"
        return (
            f"{what}\n  next: see what the job said above and docs/runbook.md, exit code {code}; "
            "then start it again"
        )
    return ""


def supervise(
    start: Callable[[], "subprocess.Popen[bytes]"],
    sleep: Callable[[float, Callable[[], bool]], None] = _sleep,
    progress: Path | None = None,
) -> int:
    """Start the job until its end is final; the result is its exit code. SIGINT and SIGTERM go to
    the job and end it. The job touches the file `progress` each time it has published."""
    pause, fenced, unsteady = FIRST_PAUSE_S, 0, 0
    recovered_s = QUIET_S if progress else STEADY_S
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
        begun, published = time.monotonic(), _touched(progress)
        job = start()
        if asked:  # while it was started
            job.send_signal(signal.SIGTERM)
        code = job.wait()
        code = 128 - code if code < 0 else code
        if _touched(progress) != published or time.monotonic() - begun > recovered_s:
            pause, fenced, unsteady = FIRST_PAUSE_S, 0, 0
        fenced = fenced + 1 if code == 4 else 0
        unsteady += 1
        if asked or code in FOR_GOOD:
            return code
        why = _hopeless(fenced, unsteady, code)
        if why:
            _say(why)
            return code
        _say(f"the job ended with {code}, starting it again in {pause:g} s")
        sleep(pause, lambda: asked)
        if asked:
            return code
        pause = min(pause * 2, LONGEST_PAUSE_S)
