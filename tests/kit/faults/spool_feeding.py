"""A source, a spool and a Kafka that are no more than a loop: what a spool has to survive, and the
judge of what is left of it.

As a program it runs below `failing_calls.c`, reads trials from standard input, one JSON object per
line, and answers each with one: what failed, how the run ended, and what is missing after the next
start.
"""

import ctypes
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from config.errors import PipelineError, exit_with
from producer.spool import appending, spool
from producer.spool.spool import SMALLEST_BYTES, Spool

RECORDS = 24
OWNER = "search for tweets on 127.0.0.1:9092"
QUIET_S = 20.0


def small_files() -> None:
    """Several segments and rewrites of `acknowledged` within a few records; no waiting but for the
    disk."""
    spool.SEGMENT_BYTES, spool.ACKNOWLEDGED_BYTES, spool.GATHER_S, spool.RETRY_S = (
        900,
        60,
        0.0,
        0.01,
    )
    appending.SEGMENT_RECORDS = 7


def value(number: int) -> bytes:
    """The value of the record that the source gives under this number."""
    return random.Random(number).randbytes(20 + 37 * number % 150)


def opened(folder: Path) -> Spool:
    return Spool(folder, OWNER, SMALLEST_BYTES, "digest")


def wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + QUIET_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the spool does not move")
        time.sleep(0.0005)


def is_acknowledged(number: int, now: int) -> bool:
    """Whether Kafka has this record when the source is at record `now`: some are late."""
    return number % 5 < 4 or number < now - 13


def feed(folder: Path, acknowledge: Callable[[int], None]) -> None:
    """Read the source behind the spool's position to its end; have some records acknowledged; open
    the spool twice."""
    for end in (RECORDS // 2, RECORDS):
        own = opened(folder)
        try:
            for number in range(int(own.position or -1) + 1, end):
                wait(lambda own=own: own.has_room)
                own.append(b"%d" % number, value(number), str(number))
                if number % 2:  # the next one arrives while this one is being written
                    wait(lambda own=own: not own._pending or own.error)
                    continue
                wait(lambda own=own: not own.unwritten or not own.has_room and own.error)
                done = [
                    entry for entry in own.take(0) if is_acknowledged(int(entry.key or 0), number)
                ]
                for entry in done:
                    assert entry.value == value(int(entry.key or 0)), "a changed record"
                    acknowledge(int(entry.key or 0))
                own.cross_off([entry.number for entry in done])
                own.rewind()
        finally:
            own.close()
        if own.error:
            raise own.error


def waiting(folder: Path) -> set[int]:
    """The records that the next start finds and would send. Raises what opening the spool
    raises."""
    own, found = opened(folder), set()
    while entries := own.take(0):
        for entry in entries:
            assert entry.key is not None and entry.value == value(int(entry.key)), (
                "a changed record"
            )
            found.add(int(entry.key))
    own.close()
    return found


def missing(folder: Path, acknowledged: Iterable[int]) -> list[int]:
    """What neither Kafka nor the spool has once the source has been read to its end. Raises what
    opening the spool raises."""
    known = set(acknowledged)
    feed(folder, known.add)
    return sorted(set(range(RECORDS)) - known - waiting(folder))


def plant(name: str) -> None:
    """Put an old bug back."""
    if name == "goes on behind a failed group":
        written = Spool._written
        Spool._written = lambda self, group: written(self, group) or bool(self.error)  # type: ignore[method-assign]
    elif name == "cuts off whatever is behind damage":
        from producer.spool import folder as spool_folder

        spool_folder._unfinished = lambda segment, _sound, segments: segment is segments[-1]
        spool_folder.Forced = Ignorant  # type: ignore[assignment, misc]
        spool.Forced = Ignorant  # type: ignore[assignment, misc]


class Ignorant:
    """Knows nothing of what was forced."""

    def __init__(self, *_: object) -> None:
        self.sizes: dict[int, int] = {}

    note = close = __init__


def attacked(
    folder: Path, shim: ctypes.CDLL, trial: dict[str, Any]
) -> tuple[int, str, list[int], int]:
    """Feed in a process of its own in which one call fails; (exit code, what it said, what Kafka
    had, calls of that name)."""
    reader, writer = os.pipe()
    said = folder.with_suffix(".said")
    pid = os.fork()
    if not pid:
        os.close(reader)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        shim.attack(
            str(folder).encode(), trial["call"].encode(), trial["at"], trial["errno"], trial["cut"]
        )
        code = 70
        try:
            exit_with(lambda: feed(folder, lambda number: os.write(writer, b"%d\n" % number) * 0))
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            os.write(writer, b"calls %d\n" % shim.calls())
            sys.stderr.flush()
            os._exit(code)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor
        lines = pipe.read().decode().split("\n")[:-1]
    status = os.waitpid(pid, 0)[1]
    calls = [int(line.partition(" ")[2]) for line in lines if line.startswith("calls")]
    told = [int(line) for line in lines if not line.startswith("calls")]
    return (
        os.waitstatus_to_exitcode(status),
        said.read_text(errors="replace"),
        told,
        calls[0] if calls else 0,
    )


def main() -> None:
    """One answer per trial."""
    small_files()
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    for line in sys.stdin:
        trial = json.loads(line)
        plant(trial.get("plant", ""))
        home = Path(tempfile.mkdtemp(dir=sys.argv[1]))
        code, said, told, calls = attacked(home / "spool", shim, trial)
        try:
            left: Any = missing(home / "spool", told)
        except PipelineError as error:
            left = f"exit {error.exit_code}: {error}"
        print(
            json.dumps({**trial, "code": code, "said": said, "calls": calls, "missing": left}),
            flush=True,
        )
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
