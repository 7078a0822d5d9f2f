"""What a run reports: progress on standard error while it runs, a closing report as JSON."""

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import IO

from rich.console import Console

PLAIN_EVERY_S = 5.0
SILENCE_S = 3.0
RATE_OVER_S = 10  # the window of the rate, in seconds


@dataclass(frozen=True)
class Report:
    """The figures of a run. After its end read + from_spool = acked + failed + rejected + spooled.

    `spooled` are on the disk and will be sent by the next start; what is neither settled nor on the
    disk at the end has failed. `bytes` are those of the acked values.
    """

    source: str
    topic: str
    state: str  # the source's own words
    read: int
    from_spool: int  # left there by an earlier run
    acked: int
    failed: int
    rejected: int
    spooled: int
    reconnects: int
    backfilled: int
    repeats: int
    gaps: int  # how often the source no longer had what was missed
    gap_seconds: float  # how long these gaps are, together
    skipped_empty_lines: int
    bytes: int
    seconds: float
    records_per_second: float
    cost_usd: float
    stopped_by: str  # end, max_posts, signal, error; empty while it runs

    @property
    def waiting(self) -> int:
        """Records that Kafka has not acknowledged yet: the lag."""
        return self.read + self.from_spool - self.acked - self.rejected - self.failed

    def write(self, file: IO[str]) -> None:
        """Write it as one JSON object."""
        file.write(json.dumps(asdict(self), indent=2) + "\n")
        file.flush()

    def line(self, records_per_second: float) -> str:
        """The figures that matter while it runs, on one line."""
        counts = {
            "reconnects": self.reconnects,
            "backfilled": self.backfilled,
            "repeats": self.repeats,
            "gaps": self.gaps,
        }
        counts = {"failed": self.failed, "rejected": self.rejected} | counts
        told = "".join(f", {count} {name}" for name, count in counts.items() if count)
        cost = f", {self.cost_usd:.2f} USD" if self.cost_usd else ""
        return (
            f"{self.state}: {self.read} read, {self.acked} acked{told}, {records_per_second:.0f} "
            "records/s,"
            f" {self.waiting} waiting{cost}, {self.seconds:.0f} s"
        )


class Progress:
    """Shows `report()` while the `with` block runs, and `trouble()`, which says what keeps reading
    or records waiting.

    With a terminal one live line, without one a plain line every 5 s, with `as_json` the same as
    JSON lines. A total at the end.
    """

    def __init__(
        self, report: Callable[[], Report], trouble: Callable[[], str], as_json: bool
    ) -> None:
        self._report, self._trouble, self._as_json = report, trouble, as_json
        self._acked, self._answered_at = 0, 0.0
        self._recent: deque[tuple[float, int]] = deque(maxlen=RATE_OVER_S)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._console = Console(stderr=True)
        self._live = self._console.status("") if self._console.is_terminal and not as_json else None

    def __enter__(self) -> None:
        if self._live is not None:
            self._live.start()
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()
        report = self._report()
        if not self._as_json:
            self._say(f"total: {report.line(report.records_per_second)}")

    def _run(self) -> None:
        shown = time.monotonic()
        while not self._ended.wait(1.0):
            report = self._report()
            line = self._line(report)
            if self._live is not None:
                with suppress(OSError, ValueError):
                    self._live.update(line)
            elif time.monotonic() - shown >= PLAIN_EVERY_S:
                shown = time.monotonic()
                self._say(json.dumps(asdict(report)) if self._as_json else line)

    def _say(self, line: str) -> None:
        """Print to standard error. A full disk or a closed pipe there ends neither the run nor this
        thread."""
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)

    def _line(self, report: Report) -> str:
        """The report's line, and how long Kafka has not answered while records wait."""
        if report.acked != self._acked or not report.waiting:
            self._acked, self._answered_at = report.acked, report.seconds
        silent_s = report.seconds - self._answered_at
        silence = f", no answer from Kafka for {silent_s:.0f} s" if silent_s >= SILENCE_S else ""
        trouble = self._trouble()
        begin_s, begin = self._recent[0] if self._recent else (0.0, 0)
        self._recent.append((report.seconds, report.acked))
        rate = (report.acked - begin) / max(report.seconds - begin_s, 0.001)
        return report.line(rate) + silence + (f" ({trouble})" if trouble else "")
