"""Processes of our own that outlive the command that started them: recorded, found again and
stopped, and never confused with others.

A record keeps the pid and the process's start time: the system may give the same pid to another
process later.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import ServiceUnreachable

STOP_S = 20.0  # seconds; after that SIGTERM was not enough
POLL_S = 0.2


@dataclass(frozen=True)
class Home:
    """The folder of a set of services: `pids/`, `logs/` and one folder a service for its data."""

    path: Path

    def log(self, name: str) -> Path:
        """The log file of the service `name`."""
        return self.path / "logs" / f"{name}.log"

    def _record(self, name: str) -> Path:
        return self.path / "pids" / f"{name}.json"

    def start(
        self, name: str, address: str, command: list[str], environ: dict[str, str] | None = None
    ) -> None:
        """Start `command` in a session of its own, its output appended to the log, and record it;
        `environ` is its whole environment, None is this process's."""
        for folder in ("pids", "logs", name):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.path / name,
                env=environ,
                start_new_session=True,
            )
        record = {"pid": process.pid, "started": _started(process.pid), "address": address}
        self._record(name).write_text(json.dumps(record), encoding="utf-8")

    def pid(self, name: str) -> int | None:
        """The pid of the service `name` while it runs, otherwise None."""
        record = self._read(name)
        if record and record["started"] and _started(record["pid"]) == record["started"]:
            return int(record["pid"])
        return None

    def address(self, name: str) -> str | None:
        """The address under which the service `name` was started, None when it was stopped or never
        started."""
        address: str | None = self._read(name).get("address")
        return address

    def _read(self, name: str) -> dict[str, Any]:
        """The record; empty where there is none, or none that is whole."""
        try:
            return dict(json.loads(self._record(name).read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def stop(self, name: str) -> bool:
        """End the service: SIGTERM, and SIGKILL when that did not do within STOP_S. False when it
        did not run."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not _within(STOP_S, lambda: self.pid(name) is None):
                os.kill(pid, signal.SIGKILL)
                _within(STOP_S, lambda: self.pid(name) is None)
        self._record(name).unlink(missing_ok=True)
        return pid is not None

    def tail(self, name: str, lines: int) -> str:
        """The last lines of the service's log; empty when it has none."""
        try:
            with self.log(name).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 1000 * lines))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def wait(self, name: str, ready: Callable[[], str], limit_s: float) -> None:
        """Wait until `ready` says nothing is missing (an empty string); it says what is.

        Raises ServiceUnreachable with the last log lines when the service dies or the limit is
        reached.
        """
        missing = ""

        def settled() -> bool:
            nonlocal missing
            missing = ready()
            return not missing or self.pid(name) is None

        _within(limit_s, settled)
        if missing:
            what = (
                "ended while starting"
                if self.pid(name) is None
                else f"is not ready after {limit_s:.0f} s ({missing})"
            )
            log = f"\n{self.tail(name, 12)}\n"
            raise ServiceUnreachable(
                f"{name} {what};{log}", str(self.log(name)), f"scripts/services logs {name} -n 100"
            )


def _within(limit_s: float, condition: Callable[[], bool]) -> bool:
    """True as soon as the condition holds, False when it did not within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True


def _started(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is no such process (or
    only its remains)."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
