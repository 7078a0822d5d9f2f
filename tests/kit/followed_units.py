"""An output of some hours, with an hour that is not over, and the page's store of it; in memory."""

from pathlib import Path
from random import Random

import pytest

from consumers.output import commits, units
from consumers.output.manifests import Manifest
from consumers.tweets.parse import Deleted, Tweet
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records, tweet
from tests.unit.views.test_store import sums
from views.follow import Follower
from views.store.frontier import Store

HOURS, EACH, KINDS = 3, 4, ("tweets", "deleted", "rejected")
REMOVED = -1.0
"""A grace of so few hours that everything that is replaced goes."""


class World:
    """The output, its store at `path`; `patch` sets the batches' times."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.files, self.path, self._patch = MemoryFiles(), path, patch
        self.dice, self.number = Random(3), 0
        self.driver = opened(self.files)
        self.manifests: list[Manifest] = []
        self.tweets: list[Tweet] = []
        for hour in range(HOURS):
            self.publish(hour)

    def publish(self, hour: int, *more: Deleted) -> None:
        """Batches of this hour: tweets, some of which do not say their time, deletions of others,
        and rejected records."""
        self._patch.setattr(commits, "now", lambda: f"2026-11-27T{hour:02d}:10:00.000Z")
        for _ in range(EACH):
            found = records(self.dice, self.number, 30)
            found.append(tweet(self.number + 30, self.dice, created_at=None, lat=1.0, lon=2.0))
            self.number += 31
            self.tweets += [one for one in found if isinstance(one, Tweet)]
            self.manifests.append(publish(self.driver, [*found, *more], self.number % 3))
            more = ()

    def follower(self) -> Follower:
        return Follower(FromFiles(self.files), Store(self.path))  # type: ignore[arg-type]

    def catch_up(self) -> None:
        self.follower().catch_up()

    def assert_sums_are(self) -> None:
        """The store's sums are those of the units' newest revisions and the batches behind."""
        found, until = units.current(self.files), 0
        counts = []
        for unit in found:
            manifest, _ = units.manifest(self.files, unit)
            counts.append(manifest.counts)
            until = manifest.until
        counts += [batch.counts for batch in self.manifests[until:]]
        said = tuple(sum(one[kind] for one in counts) for kind in KINDS)
        held = sums(self.path)
        assert held["frontier"] == said
        assert held["all"] == held["every"] == held["days"] == said[0]
        assert held["cells"] == held["every_cell"] == held["located"]
        assert held["held"] == len(self.manifests)
