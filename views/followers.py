"""One follower for each output, in a process of its own: a backfill takes no time from the view
that shows the store, and ends with that view."""

import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from config.venv import ROOT
from views.command import outputs
from views.follow import Follower, store_path
from views.reading import Published
from views.store.frontier import Frontier, Store

LOOK_S, AGAIN_S = 1.0, 5.0
"""Seconds between two looks at a follower, and until one that ended is started again."""


@contextmanager
def running(given: Namespace) -> Iterator[None]:
    """Followers of the given outputs, until the end of the block."""
    stop, keepers = threading.Event(), []
    for output in outputs(given):
        Published(output, given.webhdfs)  # a wrong address ends the program here
        keepers.append(threading.Thread(target=_keep, args=(given, output, stop), daemon=True))
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        stop.set()
        for keeper in keepers:
            keeper.join()


def _keep(given: Namespace, output: str, stop: threading.Event) -> None:
    command = [sys.executable, "-m", "views.follow", "--output", output]
    command += ["--webhdfs", given.webhdfs, "--store", str(given.store.resolve())]
    while not stop.is_set():
        # a session of its own, so that it can step back behind all others (views/follow.py)
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
        while process.poll() is None and not stop.wait(LOOK_S):
            pass
        if process.stdin:
            process.stdin.close()
        process.wait()
        stop.wait(AGAIN_S)


def catch_up(given: Namespace) -> None:
    """Fold what is published by now, with a progress bar on a terminal. Raises PipelineError."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        for output in outputs(given):
            task = bar.add_task(f"{output.rpartition('/')[2]}: batches, newest first")
            store = Store(store_path(given.store, output))

            def show(at: Frontier, task: TaskID = task) -> None:
                bar.update(task, completed=at.next - at.low, total=at.next - at.floor)

            Follower(Published(output, given.webhdfs), store).catch_up(show)
            store.say("live")
            store.close()
