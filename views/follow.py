"""Follows an output into its store: a new batch at once, earlier ones from the newest to the
oldest.

`python3 -m views.follow --output URI --store FOLDER` does so until its standard input ends; the
dashboard starts one for each output.
"""

import argparse
import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from config.errors import PipelineError, ServiceUnreachable, exit_with
from consumers.output.manifests import digest as sha256
from views.compacted import Compacted
from views.reading import Published
from views.store.fold import Digest, collect_rarely
from views.store.frontier import Frontier, Store

LIVE_S, IDLE_S, IDLE_AFTER_S = 0.15, 1.0, 15.0
"""Seconds between requests for the next batch, usually and when idle; seconds until it is idle."""
DIGEST_TWEETS, DIGEST_BATCHES = 20_000, 200
"""About this much is in a transaction of the backfill; a new batch waits for at most one."""
CHECK_S = 5.0
"""Seconds after which an idle follower checks that the newest batch is still the one it knows."""
RETRY_S = 2.0
NICE = 10


def store_path(folder: Path, output: str) -> Path:
    """Where the store of an output lies."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", output.rpartition("/")[2])[:40] or "output"
    return folder / f"{name}-{hashlib.sha256(output.encode()).hexdigest()[:12]}.sqlite"


class Follower:
    """Brings what is published into the store, some batches at a time."""

    def __init__(self, published: Published, store: Store) -> None:
        self.published, self.store = published, store
        self._compacted, self._checked = Compacted(published, store), 0.0

    def step(self) -> int:
        """Fold some batches, or a part of a unit; returns 0 when there is nothing to fold. New
        batches come first, then what units have changed, then earlier batches.

        Raises PipelineError when HDFS does not answer or the output is not sound.
        """
        at = self.store.frontier()
        if at is None:
            return self._begin()
        for direction in (1, -1):
            digest = self._digest(at, direction)
            if digest.batches:
                return len(digest.batches) if self.store.add(digest) else 1
            if direction > 0 and self._compacted.step(at):
                return 1
        return int(self._compacted.settle(at) or self._check(at))

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Follow until `stop()`, and write the follower's state into the store."""
        said, news = ("", ""), time.monotonic()
        while not stop():
            try:
                worked, state, message = self.step(), "live", ""
                at = self.store.frontier()
                if at and at.low > at.floor:
                    state = "backfill"
            except PipelineError as error:
                worked, state, message = 0, "waiting", f"{error.what} at {error.where}"
            if (state, message) != said:  # each word makes open pages ask
                self.store.say(state, message)
            said, now = (state, message), time.monotonic()
            if worked:
                news = now
            elif state == "waiting":
                time.sleep(RETRY_S)
            else:
                time.sleep(LIVE_S if now - news < IDLE_AFTER_S else IDLE_S)

    def catch_up(self, progress: Callable[[Frontier], None] = lambda _: None) -> None:
        """Fold everything that is published by now."""
        while self.step():
            at = self.store.frontier()
            if at:
                progress(at)

    def _begin(self) -> int:
        length = self.published.length()
        newest = self.published.manifest(length - 1) if length else None
        if newest:
            self.store.begin(*newest)
        return int(newest is not None)

    def _digest(self, at: Frontier, direction: int) -> Digest:
        """The next batches, upward or downward, as many as fit into a transaction."""
        digest, seq = Digest(), at.next if direction > 0 else at.low - 1
        while (
            seq >= at.floor
            and sum(digest.counts.values()) < DIGEST_TWEETS
            and len(digest.batches) < DIGEST_BATCHES
        ):
            found = self.published.manifest(seq)
            if found is None:
                break
            paths = [file["path"] for file in found[0].files]
            digest.add(*found, [(path, self.published.blocks(seq, path)) for path in paths])
            seq += direction
        return digest

    def _check(self, at: Frontier) -> bool:
        """Start again where another output is in this one's place."""
        if time.monotonic() - self._checked < CHECK_S or not at.next:
            return False
        self._checked = time.monotonic()
        newest = self.published.manifest(at.next - 1)
        if newest is None and self._compacted.has(at, at.next - 1):
            return self._compacted.step(at)
        if newest is None or sha256(newest[1]) != at.above:
            self.store.empty()
            self.store.say("replaced", "another output is in its place: the store starts again")
        return False


def _end_with_parent() -> None:
    """End when standard input does: the process that started this one holds its other end."""
    while os.read(0, 1):  # not by sys.stdin, whose lock would outlive the interpreter
        pass
    os._exit(0)


def _step_back() -> None:
    """The jobs come first. Where the kernel shares the processor between sessions (sched(7),
    autogroup), a process's own nice value counts within its session only."""
    os.nice(NICE)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # no such kernel
            Path("/proc/self/autogroup").write_text(str(NICE))


def main() -> None:
    """Follow one output until standard input ends."""
    parser = argparse.ArgumentParser(prog="python3 -m views.follow", description=__doc__)
    parser.add_argument("--output", required=True)
    parser.add_argument("--webhdfs", default="")
    parser.add_argument("--store", type=Path, required=True)
    given = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _step_back()
    collect_rarely()
    path = store_path(given.store, given.output)
    try:
        Follower(Published(given.output, given.webhdfs), Store(path)).run()
    except sqlite3.Error as error:
        raise ServiceUnreachable(
            f"the store cannot be written ({error})",
            str(path),
            "make room on the disk, or delete the store",
        ) from None


if __name__ == "__main__":
    exit_with(main)
