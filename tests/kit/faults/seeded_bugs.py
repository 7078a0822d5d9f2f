"""The two jobs with a bug put into them, for the judge to convict.

    scripts/submit tests/kit/faults/seeded_bugs.py BUG[,BUG…] direct|receiver_based [SETTINGS]

Each public function, here and in seeded_tasks.py, is one: what projects of this kind have done, or
could do. `patch` refuses names that no longer exist.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import kafka_dstreams
from consumers import direct, receiver_based
from consumers.driver import batches, contexts, opening, trampoline
from consumers.driver.driver import Driver
from consumers.output import chain, fail_points, manifests, ownership
from consumers.output.storage import Storage
from tests.kit.faults import seeded_tasks

Rows = list[tuple[str, int, int, int]]


def none() -> None:
    """The job as it is."""


def _belated(suffix: str) -> None:
    """A batch becomes visible first, and files whose name ends so are moved into it then."""
    rename = Storage.rename
    waiting: list[tuple[str, str]] = []

    def visible_first(self: Storage, source: str, target: str) -> None:
        if target.endswith(suffix):
            waiting.append((source, target))
            return
        rename(self, source, target)
        if target.startswith("batches/"):
            fail_points.visit("after rename")
            for late, place in waiting:
                rename(self, late, place.replace(source, target))
            waiting.clear()

    patch.object(Storage, "rename", visible_first).start()


def half_published_is_done() -> None:
    """The folder is there, so the batch is taken for done, whatever of it had been written (skip if
    exists)."""
    _belated(".json.gz")


def manifest_outside_the_rename() -> None:
    """The offsets become visible after the data, in a step of their own."""
    _belated("_manifest.json")


def named_by_time() -> None:
    """A batch's folder has the batch's time in its name, as saveAsTextFiles gives it."""
    patch.object(
        chain, "folder", lambda _seq: f"batches/0000000/{time.time_ns() // 1_000_000:d}"
    ).start()


def legacy_rename() -> None:
    """FileSystem.rename: into a folder that is there it moves the source inside, and says true."""

    def rename(self: Storage, source: str, target: str) -> None:
        self._ask(lambda: self._files.rename(self._path(source), self._path(target)), source)

    patch.object(Storage, "rename", rename).start()


def rename_result_ignored() -> None:
    """A rename that did not happen counts as done."""
    rename = Storage.rename

    def ignored(self: Storage, source: str, target: str) -> None:
        with suppress(FileExistsError, FileNotFoundError):
            rename(self, source, target)

    patch.object(Storage, "rename", ignored).start()


def goes_on_behind_a_failed_batch() -> None:
    """A failed batch does not keep the next one from running, and the manifest notes one number a
    partition."""

    def stubborn(self: Driver, rdd: Any) -> None:
        with suppress(Exception):
            self._store(rdd)  # and no failure is noted, which would end the run

    def up_to_the_end(covered: manifests.Covered, ranges: Rows) -> manifests.Covered:
        out = dict(covered)
        for topic, partition, _start, end in ranges:
            out[topic, partition] = [(covered.get((topic, partition), [(0, 0)])[0][0], end)]
        return out

    patch.object(Driver, "store", stubborn).start()
    patch.object(manifests, "cover", up_to_the_end).start()


def _start_of_direct(change: Callable[[dict[str, Any]], Any]) -> None:
    """The direct job starts where `change` says, given what it would have started with."""
    frames = direct.direct_frames

    def elsewhere(*arguments: Any, **named: Any) -> Any:
        return frames(*arguments, **{**named, "skip": (), "start": change(named["start"])})

    patch.object(direct, "direct_frames", elsewhere).start()


def resumes_at_the_end() -> None:
    """After a restart the topic's end is good enough: auto.offset.reset=latest."""
    _start_of_direct(lambda start: "latest" if any(start.values()) else start)


def offsets_before_data() -> None:
    """The group's offsets are committed when a batch begins, and a restart continues there."""
    store = Driver._store

    def commit_then_store(self: Driver, rdd: Any) -> None:
        ends = {
            (topic, partition): end
            for part in kafka_dstreams.offset_ranges(rdd)
            for topic, partition, _, end in part
        }
        kafka_dstreams.commit(self.params, self.params["group.id"], ends)
        store(self, rdd)

    patch.object(Driver, "_store", commit_then_store).start()
    patch.object(Driver, "_commit_group", lambda _self, _harmless=(): None).start()
    _start_of_direct(lambda _start: "committed")


def _own_subtraction(wanted: Callable[[int, int, int], tuple[int, int]]) -> None:
    """What is published is subtracted by `wanted`: (end of what is covered, start, end) to the
    interval that is read."""

    def unpublished(parts: list[list[Any]], covered: manifests.Covered) -> list[Rows]:
        tops = {partition: intervals[-1][1] for partition, intervals in covered.items()}
        out: list[Rows] = []
        for ranges in parts:
            out.append([])
            for topic, partition, start, end in ranges:
                first, last = wanted(tops.get((topic, partition), 0), start, end)
                out[-1] += [(topic, partition, first, last)] if first < last else []
                tops[topic, partition] = max(tops.get((topic, partition), 0), end)
        return out

    patch.object(batches, "unpublished", unpublished).start()


def high_water_mark() -> None:
    """One number a partition says what is published: a block that comes late, below it, stays
    out."""
    _own_subtraction(lambda top, start, end: (max(top, start), end))


def no_subtraction() -> None:
    """What the receiver brings is published, whether it has been before or not."""
    _own_subtraction(lambda _top, start, end: (start, end))


def goes_on_where_acknowledged() -> None:
    """The receiver starts where it had acknowledged to Kafka, and trusts the log with all that was
    not published then."""
    for name in ("commit", "receive_in"):  # so one group serves all drivers
        patch.object(receiver_based, name, lambda *_: None).start()


def acknowledged_without_a_log() -> None:
    """The same, and there is no write-ahead log."""
    context = contexts.streaming_context
    patch.object(contexts, "streaming_context", lambda settings, _log: context(settings)).start()
    goes_on_where_acknowledged()


def no_fence() -> None:
    """Older drivers are left alone. Alone it does no harm: the batch's number is a wall of its
    own."""
    patch.object(ownership.Ownership, "_fence", lambda _self, _taken: None).start()


def no_fence_no_collision() -> None:
    """Older drivers are left alone, and nothing refuses the same batch twice."""
    no_fence()
    legacy_rename()


def another_version() -> None:
    """A fault, no bug: the checkpoint names the batches' function as another version of this
    program called it."""
    store = trampoline.store

    def store_of_another_version(rdd: Any) -> None:
        store(rdd)

    store_of_another_version.__module__, store_of_another_version.__qualname__ = (
        trampoline.__name__,
        "store_of_another_version",
    )
    trampoline.store = trampoline.store_of_another_version = store_of_another_version


def main() -> None:
    """Put the bugs in and run the job."""
    _, bugs, approach, *settings = sys.argv
    for bug in bugs.split(","):
        {**vars(seeded_tasks), **globals()}[bug]()
    sys.argv = [approach, *settings]
    job = {"direct": direct, "receiver_based": receiver_based}[approach]
    opening.main(approach, job.__doc__, job.run)


if __name__ == "__main__":
    main()
