"""What a run of the compactor says while it works: bars at a terminal, plain lines without one."""

import logging
import os
import threading
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG = logging.getLogger("compact")
_LOOK_S = 0.5


class Shown:
    """One bar for the batches of all hours, and one for the tasks of the step at work; `tasks` is
    Spark's status tracker. Called with what is done now, and how many of how many batches, or
    what else it is, are done; 0 where that is not known."""

    def __init__(self, tasks: Any, console: Console | None = None) -> None:
        self._tasks, self._said, self._ended = tasks, "", threading.Event()
        console = console or terminal()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._is_drawn = console.is_terminal
        self._all = self._bars.add_task("looking", total=None)
        self._step = self._bars.add_task("tasks", total=None, visible=False)
        self._thread = threading.Thread(target=self._look, name="progress", daemon=True)

    def __call__(self, text: str, done: int, of: int) -> None:
        if self._is_drawn:
            self._bars.update(self._all, description=text, completed=done, total=of or None)
        elif text != self._said:
            LOG.info("%s", text)
        self._said = text

    def __enter__(self) -> "Shown":
        if self._is_drawn:
            self._bars.start()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._is_drawn:
            self._thread.join()
            self._bars.stop()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.look()

    def look(self) -> None:
        """Show how many tasks of Spark's stage at work have ended."""
        stages = [self._tasks.getStageInfo(id) for id in self._tasks.getActiveStageIds()]
        known = [stage for stage in stages if stage is not None]
        done = sum(stage.numCompletedTasks for stage in known)
        total = sum(stage.numTasks for stage in known)
        self._bars.update(self._step, completed=done, total=total, visible=bool(known))


def terminal() -> Console:
    """The terminal that scripts/submit was started at (local/submit.py names it), or what there is
    for messages."""
    try:
        file = Path(os.environ["SUBMIT_TERMINAL"]).open("w", encoding="utf-8")  # noqa: SIM115
        columns = os.get_terminal_size(file.fileno()).columns
    except (KeyError, OSError):  # none, or it is closed
        return Console(stderr=True)
    return Console(file=file, width=columns or None)
