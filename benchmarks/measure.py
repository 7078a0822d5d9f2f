"""What a program and all its children take: CPU seconds, memory, and the time to its last row."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_S = 0.25
LAST_WORDS_S = 3.0  # for a program to end by itself after its last row

ROWS = re.compile(r"bench: rows (\d+)| (\d+) tweets, \d+ deleted, \d+ rejected")


class Sessions:
    """All processes of some sessions, and of those that they start. A child that has left its
    parent is still of its session."""

    def __init__(self) -> None:
        self.leaders: set[int] = set()
        self.peak_bytes = 0
        # ticks of (pid, start), those of the dead included
        self._cpu: dict[tuple[int, int], int] = {}

    def sample(self) -> float:
        """CPU seconds (user and system) so far; what a process of less than a sample's length takes
        is missed."""
        resident, found = 0, dict[int, list[str]]()
        for entry in os.listdir("/proc"):  # noqa: PTH208  five times as quick as Path.iterdir
            if not entry.isdigit():
                continue
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry)] = fields
        # proc(5), counted from the state: parent 1, session 3, utime 11, stime 12, starttime 19,
        # rss 21
        sessions = {pid: int(fields[3]) for pid, fields in found.items()}
        parents = {pid: int(fields[1]) for pid, fields in found.items()}
        while more := {  # YARN's containers have sessions of their own
            session
            for pid, session in sessions.items()
            if session not in self.leaders and sessions.get(parents[pid]) in self.leaders
        }:
            self.leaders |= more
        for pid, fields in found.items():
            if sessions[pid] in self.leaders:
                self._cpu[pid, int(fields[19])] = int(fields[11]) + int(fields[12])
                resident += int(fields[21]) * PAGE_BYTES
        self.peak_bytes = max(self.peak_bytes, resident)
        return sum(self._cpu.values()) * TICK_S


@dataclass
class Run:
    """One run of one contender: seconds and CPU seconds from its start to its last row; `failure`
    is why it does not count."""

    rows: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    failure: str | None = None
    said: list[str] = field(default_factory=list)


class Watch:
    """Programs that run side by side as one contender, and what they say."""

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        expected: int,
        environ: Mapping[str, str],
        cwd: Path,
    ) -> None:
        self.run, self.expected, self.sessions = Run(), expected, Sessions()
        self._lock, self._done = threading.Lock(), threading.Event()
        self._begun = time.monotonic()
        self.programs = [
            subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environ),
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            for command in commands
        ]
        self.sessions.leaders = {program.pid for program in self.programs}
        self._listeners = [
            threading.Thread(target=self._listen, args=(program,), daemon=True)
            for program in self.programs
        ]

    def finish(self, limit_s: float) -> Run:
        """Wait for all rows, or for this many seconds; end what is left of the programs."""
        for listener in self._listeners:
            listener.start()
        try:
            while not self._done.wait(SAMPLE_S):
                with self._lock:
                    self.sessions.sample()
                if time.monotonic() > self._begun + limit_s:
                    self.run.failure = (
                        f"{self.run.rows} of {self.expected} rows within {limit_s:.0f} s"
                    )
                    break
                if all(program.poll() is not None for program in self.programs):
                    break
        finally:
            self._end()
        for listener in self._listeners:
            listener.join(5)
        if self.run.failure is None and self.run.rows != self.expected:
            self.run.failure = f"ended with {self.run.rows} of {self.expected} rows"
        self.run.peak_bytes = self.sessions.peak_bytes
        return self.run

    def _listen(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout
        for line in program.stdout:
            with self._lock:
                self._note(line.rstrip())

    def _note(self, line: str) -> None:
        self.run.said.append(line)
        if found := ROWS.search(line):
            self.run.rows += int(found[1] or found[2])
            self.run.seconds = time.monotonic() - self._begun
            self.run.cpu_s = self.sessions.sample()
            if self.run.rows >= self.expected:
                self._done.set()

    def _end(self) -> None:
        """By themselves if all is well, else asked, else killed."""
        patience = LAST_WORDS_S if self.run.rows == self.expected else 0.0
        for sign, seconds in ((None, patience), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
            for program in self.programs:
                if sign and program.poll() is None:
                    os.killpg(program.pid, sign)
            end = time.monotonic() + seconds
            while time.monotonic() < end and any(
                program.poll() is None for program in self.programs
            ):
                time.sleep(0.05)
