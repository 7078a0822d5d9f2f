"""Seeded bugs and faults in what runs on the executors; seeded_bugs.py puts them in."""

import gzip
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pyspark import TaskContext

from consumers.driver import batches
from consumers.output import commits, ownership

Frames = Iterator[bytes]


def _around_task(change: Callable[[Any, int, Frames], Iterator[bytes]]) -> None:
    """`change` runs in place of each task, given the task itself. What it does, it does on an
    executor."""
    task = batches.task

    def changed(wanted: Any, max_bytes: int) -> Callable[[int, Frames], Iterator[bytes]]:
        run = task(wanted, max_bytes)
        return lambda index, frames: change(run, index, frames)

    patch.object(batches, "task", changed).start()


def short_read_swallowed() -> None:
    """Where Kafka sends no more in time, the task takes that for its range's end."""

    def all_but_the_last(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        return run(index, iter([*frames][:-1]))

    _around_task(all_but_the_last)


def rejected_dropped() -> None:
    """What cannot be understood is left out, and not counted either."""

    def understood(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        for blob in run(index, frames):
            if blob[:1] == b"S":
                yield b"S" + json.dumps({**json.loads(blob[1:]), "rejected": 0}).encode()
            elif blob[:1] == b"T":
                yield blob

    _around_task(understood)


def tweet_rewritten() -> None:
    """The tweet is parsed and written again, instead of going through as it came."""

    def rewritten(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        for blob in run(index, frames):
            if blob[:1] == b"T":
                lines = [
                    json.dumps(json.loads(line)) for line in gzip.decompress(blob[1:]).splitlines()
                ]
                yield b"T" + gzip.compress("".join(f"{line}\n" for line in lines).encode())
            else:
                yield blob

    _around_task(rewritten)


def task_fails_once() -> None:
    """A fault, no bug: the first task of each batch fails when it has written all, and is tried
    again."""

    def fails(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        yield from run(index, frames)
        if index == 0 and TaskContext.get().attemptNumber() == 0:
            raise RuntimeError("a seeded fault after the task's last line")

    _around_task(fails)


def task_fails_later() -> None:
    """A fault, no bug: from the second batch on the first task fails, as often as it is tried."""
    task, tasks = batches.task, []

    def failing(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        yield from run(index, frames)
        if index == 0:
            raise RuntimeError("a seeded fault after the task's last line")

    def second_on(wanted: Any, max_bytes: int) -> Any:
        run = task(wanted, max_bytes)
        tasks.append(1)
        return run if len(tasks) == 1 else lambda index, frames: failing(run, index, frames)

    patch.object(batches, "task", second_on).start()


def attempts_share_the_published_folder() -> None:
    """Tasks write where readers will look, so that attempts which were given up are published too
    (committer v2)."""

    def take(_self: commits.Output, _stage: commits.Stage, file: Any) -> dict[str, Any]:
        return {
            "path": f"tweets/{file['name']}",
            "bytes": file["bytes"],
            "records": file["records"],
        }

    patch.object(commits.Stage, "parts", property(lambda stage: f"{stage.folder}/tweets")).start()
    patch.object(commits.Output, "_take", take).start()


def drivers_share_a_stage() -> None:
    """All drivers stage a batch in one folder, named by its number alone (FileOutputCommitter's
    `_temporary/0`), and none removes it."""
    attempts_share_the_published_folder()

    def shared(self: commits.Output) -> commits.Stage:
        stage = commits.Stage(self.seq, str(uuid.uuid4()), f"_staging/{self.seq:010d}")
        for name in ("", ".parts", "/tweets", "/rejected"):
            with suppress(FileExistsError):
                self.files.mkdir(stage.folder + name)
        return stage

    patch.object(commits.Output, "stage", shared).start()
    patch.object(ownership.Ownership, "_fence", lambda _self, _taken: None).start()


def task_straggles() -> None:
    """A fault, no bug: one attempt of one task stops when its file is open, says its pid and the
    file in STRAGGLER's `held`, and continues when `go` is there."""
    folder = Path(os.environ["STRAGGLER"])

    def straggles(run: Any, index: int, frames: Frames) -> Iterator[bytes]:
        with suppress(FileExistsError), (folder / "held").open("x") as held:
            # no line, but more bytes than Python keeps back, so the file is open
            yield b"T" + gzip.compress(b"") * (1 << 16)
            file = f"tweets-{index:05d}-{TaskContext.get().taskAttemptId()}.json.gz"
            held.write(f"{os.getpid()} {file}")
            held.flush()
            while not (folder / "go").exists():
                time.sleep(0.1)
        yield from run(index, frames)

    _around_task(straggles)
