"""An output on HDFS that a driver, a reader and deletions are busy with while something happens to
its compactor."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from consumers.output import commits, fail_points, units
from consumers.tweets.parse import Deleted
from tests.conftest import Services
from tests.kit.compacting import compact
from tests.kit.published_output import PARTITIONS, WebhdfsFiles, opened, publish, tweet
from units import rows
from units.reading import table

Offset = tuple[int, int]


class World:
    """An output on HDFS whose batches are of the last hours, and what a reader saw of it."""

    def __init__(self, services: Services, path: str, hours: int = 3) -> None:
        self.services, self.output, self.dice = services, f"{services.hdfs}{path}", Random(1)
        self.files = WebhdfsFiles(services.webhdfs, path)
        self.driver = opened(self.files)
        self.files.create(fail_points.MARK, b"")
        self.published: set[Offset] = set()
        self.deleted: dict[str, Offset] = {}
        self.ids: list[tuple[str, Offset]] = []
        self.seen: set[Offset] = set()
        self.polls = 0
        self.number = 0
        for hour in range(hours):
            for _ in range(4):
                self.publish(f"2026-01-01T{hour:02d}:10:00.000Z")

    def publish(self, batch_time: str | None = None) -> None:
        """One batch of ten tweets, and from time to time a deletion of an earlier one."""
        partition = self.dice.randrange(PARTITIONS)
        start = self.driver.covered[("tweets", partition)][-1][1]
        found: list[Any] = [tweet(self.number + n, self.dice) for n in range(10)]
        self.number += 10
        if self.ids and self.dice.random() < 0.5:
            id, at = self.ids.pop(self.dice.randrange(len(self.ids)))
            self.deleted[id] = at
            found.append(Deleted(id=id))
        with pytest.MonkeyPatch.context() as patch:
            if batch_time:
                patch.setattr(commits, "now", lambda: batch_time)
            publish(self.driver, found, partition)
        offsets = [(partition, start + n) for n in range(len(found))]
        self.published |= set(offsets)
        self.ids += [(found[n].id, offsets[n]) for n in range(10)]  # the tweets, not the deletion

    def erased(self) -> set[Offset]:
        """The offsets that units say are erased."""
        found: set[Offset] = set()
        for unit in units.current(self.files):
            try:
                data = self.files.read(f"{unit.folder}/erased.parquet")
            except FileNotFoundError:
                if not self.files.exists(unit.folder):  # its next revision is in its place
                    return self.erased()
                continue
            found |= {(row["partition"], row["offset"]) for row in rows.read(data).to_pylist()}
        return found

    def look(self) -> None:
        """One poll of a reader. Fails where a record is there twice or no longer."""
        webhdfs = self.services.webhdfs
        found = table(self.output, ["kafka"], webhdfs=webhdfs).to_pylist()
        now = [(row["kafka"]["partition"], row["kafka"]["offset"]) for row in found]
        assert len(set(now)) == len(now), "a reader saw a record twice"
        gone = self.seen - set(now)
        if gone:
            gone -= self.erased()
        known = gone & set(self.deleted.values())
        assert not gone, f"a reader no longer sees {sorted(gone)[:5]}; deleted: {sorted(known)[:5]}"
        self.seen |= set(now)
        self.polls += 1

    @contextmanager
    def busy(self, batches: int = 20) -> Iterator[None]:
        """Meanwhile a driver publishes and a reader polls."""
        stop = threading.Event()

        def repeat(deed: Any, pause: float, times: int) -> None:
            while not stop.is_set() and times:
                deed()
                times -= 1
                stop.wait(pause)

        with ThreadPoolExecutor(2) as threads:
            tasks = [
                threads.submit(repeat, self.publish, 0.3, batches),
                threads.submit(repeat, self.look, 0.1, -1),
            ]
            try:
                yield
            finally:
                stop.set()
        for task in tasks:
            task.result()

    def close(self) -> dict[str, int]:
        """Compact what is left: everything is there once but what was deleted, which is gone.
        Returns figures."""
        compact(self.services, self.output)
        self.look()
        found = table(self.output, ["kafka", "id", "deleted"], webhdfs=self.services.webhdfs)
        now = {
            (row["kafka"]["partition"], row["kafka"]["offset"]): row for row in found.to_pylist()
        }
        erased = self.erased()
        assert now.keys() | erased == self.published and not now.keys() & erased
        assert erased == set(self.deleted.values())
        opened(self.files)  # a driver can start
        records = {"records": len(self.published), "erased": len(erased)}
        return records | {"reader's polls": self.polls}
