"""What a run tells: its progress on standard error while it goes on, its closing report as JSON."""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import IO

from rich.console import Console

PLAIN_EVERY_S = 5.0
SILENCE_S = 3.0


@dataclass(frozen=True)
class Report:
    """The figures of a run. After its end read = acked + failed + rejected; `bytes` are those of the acked values."""

    source: str
    topic: str
    read: int
    acked: int
    failed: int
    rejected: int
    skipped_empty_lines: int
    bytes: int
    seconds: float
    records_per_second: float
    cost_usd: float
    stopped_by: str  # end, max_posts, signal, error; empty while it runs

    def write(self, file: IO[str]) -> None:
        """As one JSON object."""
        file.write(json.dumps(asdict(self), indent=2) + "\n")
        file.flush()

    def line(self) -> str:
        """The figures that matter while it runs, in one line."""
        cost = f", {self.cost_usd:.2f} USD" if self.cost_usd else ""
        bad = f", {self.failed} failed, {self.rejected} rejected" if self.failed or self.rejected else ""
        return f"{self.read} read, {self.acked} acked{bad}, {self.records_per_second:.0f} records/s{cost}, {self.seconds:.0f} s"


class Progress:
    """Shows `report()` while the `with` block runs, and calls `each_second` about every second.

    With a terminal one live line, without one a plain line every 5 s, with `as_json` the same as JSON lines.
    """

    def __init__(self, report: Callable[[], Report], each_second: Callable[[], None], as_json: bool) -> None:
        self._report, self._each_second, self._as_json = report, each_second, as_json
        self._acked, self._answered_at = 0, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._console = Console(stderr=True)
        self._live = self._console.status("") if self._console.is_terminal and not as_json else None

    def __enter__(self) -> None:
        if self._live is not None:
            self._live.start()
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        if self._live is not None:
            self._live.stop()

    def _run(self) -> None:
        shown = time.monotonic()
        while not self._ended.wait(1.0):
            self._each_second()
            if self._live is not None:
                self._live.update(self._line(self._report()))
            elif time.monotonic() - shown >= PLAIN_EVERY_S:
                shown = time.monotonic()
                report = self._report()
                print(json.dumps(asdict(report)) if self._as_json else self._line(report), file=sys.stderr, flush=True)

    def _line(self, report: Report) -> str:
        """The report's line, and for how long Kafka has not answered while records wait for it."""
        waiting = report.read > report.acked + report.failed + report.rejected
        if report.acked != self._acked or not waiting:
            self._acked, self._answered_at = report.acked, report.seconds
        silent_s = report.seconds - self._answered_at
        return report.line() + (f", no answer from Kafka for {silent_s:.0f} s" if silent_s >= SILENCE_S else "")
