"""What the X sources remember beside the spool's records, in its folder: which query a position
belongs to, gaps, money."""

import logging
import os
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

# always this long, so that a full disk cannot keep it from being written
NAME, BYTES = "x.json", 4096
SKIPPED = 20  # gaps that are remembered as not fetched
DAY_S = 86_400

log = logging.getLogger("producer")


class Remembered(Struct):
    """The file. `alive` is X's time up to which the stream was whole, `skipped` pairs of ids
    between which nothing is fetched, `usd` what was spent on the UTC day `day` (since 1970)."""

    of: str = ""
    position: str = ""
    alive: float = 0.0
    skipped: list[tuple[int, int]] = []
    day: int = 0
    usd: float = 0.0


def remembered(folder: Path | None) -> Remembered:
    """What is in the folder's file; nothing where there is none. Safe while a producer runs."""
    try:
        return (
            msgspec.json.decode((folder / NAME).read_bytes(), type=Remembered)
            if folder
            else Remembered()
        )
    except FileNotFoundError:
        return Remembered()
    except (OSError, msgspec.MsgspecError):
        log.warning(
            "%s cannot be read: what was spent today is not known; --max-cost begins at 0",
            folder and folder / NAME,
        )
        return Remembered()


class Kept:
    """What is remembered for the question with the digest `of`; without a folder only as long as
    the process lives.

    `position` is what the spool has kept for that question. What was spent counts whatever the
    question was.
    """

    def __init__(self, folder: Path | None = None, of: str = "", position: str = "") -> None:
        self._saving = threading.Lock()
        self._now, self.position = remembered(folder), position
        if self._now.of != of:
            self._now = Remembered(of=of, day=self._now.day, usd=self._now.usd)
        self._reserved_usd = self._now.usd
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600) if folder else -1

    @property
    def alive(self) -> float:
        """X's time up to which the stream was whole at the last look; 0 where that is not known."""
        return self._now.alive

    @property
    def skipped(self) -> list[tuple[int, int]]:
        """Ids between which nothing must be fetched, oldest first."""
        return self._now.skipped

    def marked(self, position: str) -> str:
        """The position, as the spool is to keep it; it is remembered here too, for `--dry-run`."""
        self._now.position = position
        return position

    def skip(self, since_id: int, until_id: int) -> None:
        """A later run must fetch nothing between these ids either."""
        self._now.skipped = [*self._now.skipped, (since_id, until_id)][-SKIPPED:]
        self.save()

    def whole(self, alive: float) -> None:
        """The stream was whole up to this time of X."""
        self._now.alive = alive
        self.save()

    def spent_usd(self, day: int) -> float:
        """What was spent on this UTC day so far, by all runs with this folder."""
        return self._now.usd if self._now.day == day else 0.0

    def spend(self, day: int, usd: float, ahead_usd: float) -> None:
        """Count this. The file is up to `ahead_usd` ahead of what is spent: a killed process has
        spent no more than it says."""
        with self._saving:
            if self._now.day != day:
                self._now.day, self._now.usd, self._reserved_usd = day, 0.0, 0.0
            self._now.usd += usd
            due = self._now.usd > self._reserved_usd
            if due:
                self._reserved_usd = self._now.usd + ahead_usd
        if due:
            self.save()

    def save(self) -> None:
        """Write the file, in place."""
        if self._file < 0:
            return
        with self._saving:
            content = msgspec.structs.replace(self._now, usd=max(self._now.usd, self._reserved_usd))
            try:
                os.pwrite(self._file, msgspec.json.encode(content).ljust(BYTES), 0)
            except OSError as error:
                log.warning("%s cannot be written: %s", NAME, error.strerror)

    def settle(self) -> None:
        """Write what was spent, to the cent: the source has ended."""
        self._reserved_usd = self._now.usd
        self.save()
