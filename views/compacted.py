"""What a follower takes from units: the batches that were removed, and what was erased.

A unit whose batches are folded already is only noted. Where it, or a later revision, has erased
rows, these are looked up in what it replaces, as long as that is there, and taken from the sums.
"""

import time
from collections.abc import Iterator
from typing import Any

from config.errors import DataLossRisk
from consumers.output import units
from consumers.output.manifests import Manifest
from consumers.output.units import Unit, UnitManifest
from views.reading import Published, sound
from views.store import lines
from views.store.fold import Digest, seconds
from views.store.frontier import Frontier, Store

LOOK_S = 30.0
"""Seconds between two looks for units that are new."""


class _Gone(Exception):
    """What the store's sums need was removed while nobody followed."""


class Compacted:
    """The units of an output, for its store."""

    def __init__(self, published: Published, store: Store) -> None:
        self.published, self.store = published, store
        self._units: list[Unit] = []
        self._manifests: dict[Unit, UnitManifest] = {}
        self._looked = float("-inf")
        self._work: Iterator[None] | None = None

    def step(self, at: Frontier) -> bool:
        """Do a part of what is to be done, about one file; False where nothing is.

        Raises PipelineError when HDFS does not answer or a unit is not sound.
        """
        work, self._work = self._work, None
        try:
            if work is None:
                if time.monotonic() - self._looked > LOOK_S:
                    self._look()
                work = self._due(at)
            if work is None:
                return False
            next(work)
            self._work = work
        except StopIteration:
            pass
        except FileNotFoundError:  # a newer revision has just replaced it
            self._look()
        except _Gone:
            self.store.empty()
            self.store.say("replaced", "batches were removed meanwhile: the store starts again")
        return True

    def settle(self, at: Frontier) -> bool:
        """No earlier batch is there: go on with the units, or note that the output begins here now.
        True where there is something to do. Raises DataLossRisk where batches are missing."""
        if at.low <= at.floor:
            return False
        self._look()
        if not [one for one in self._units if one.first < at.low]:
            self.store.raise_floor(at.low)
            return False
        if self.step(at):
            return True
        where = f"{self.published.output} batch {at.low - 1}"
        raise DataLossRisk("a batch is missing", where, "scripts/audit.py shows what is there")

    def has(self, at: Frontier, seq: int) -> bool:
        """Whether a unit of this output has the batch of this number."""
        self._look()
        found = [one for one in self._units if one.first <= seq]
        last = self._manifest(found[-1]) if found else None
        return last is not None and last.identity == at.identity and seq < last.until

    def _look(self) -> None:
        self._looked = time.monotonic()
        self._units = units.named(self.published.names(units.FOLDER))
        self._manifests = {
            one: self._manifests[one] for one in self._units if one in self._manifests
        }

    def _manifest(self, unit: Unit) -> UnitManifest:
        if unit not in self._manifests:
            self._manifests[unit] = self.published.unit(unit)
        return self._manifests[unit]

    def _due(self, at: Frontier) -> Iterator[None] | None:
        """The next thing to do, from the newest unit to the oldest."""
        known = self.store.units()
        for unit in reversed(self._units):
            if known.get(unit.first, (-1, 0))[0] >= unit.revision:
                continue
            manifest = self._manifest(unit)
            if at.low <= unit.first and manifest.until <= at.next:
                return self._revise(manifest, known.get(unit.first))
            if unit.first == at.next or manifest.until == at.low:
                return self._fold(manifest)
            if manifest.until < at.low:
                break
            for seq in (at.next, at.low - 1):  # a part of it is folded
                if unit.first <= seq < manifest.until and not self.published.manifest(seq):
                    raise _Gone
        return None

    def _fold(self, unit: UnitManifest) -> Iterator[None]:
        """Fold a whole unit."""
        digest, newest_ms, hour = Digest(), 0, _start(unit)
        for kind, table in self._tables(unit):
            if kind == "tweets":
                sent = digest.tweets(_rows().tweets(table), hour)
                newest_ms = max(newest_ms, int(sent.max(initial=0)))
            else:
                digest.rejected(_rows().rejected(table), hour)
            yield
        self.store.add_unit(digest, unit, newest_ms)

    def _revise(self, unit: UnitManifest, known: tuple[int, int] | None) -> Iterator[None]:
        """Take away what the revision has erased; `known` is the one that is in the sums, None
        where batches are."""
        gone = Digest()
        if unit.counts.get("erased", 0) > (known[1] if known else 0):
            erased = _rows().places(self.published.data(f"{unit.unit.folder}/erased.parquet"))
            replaced = self._from_batches(unit, erased, gone)
            if known:
                replaced = self._from_unit(Unit(unit.first, known[0]), known[1], erased, gone)
            yield from replaced
        self.store.revise(gone, unit)

    def _from_unit(
        self, old: Unit, before: int, erased: lines.Places, gone: Digest
    ) -> Iterator[None]:
        try:
            if before:
                erased -= _rows().places(self.published.data(f"{old.folder}/erased.parquet"))
            manifest = self.published.unit(old)
            for kind, table in self._tables(manifest):
                some, hour = _rows().only(table, erased), _start(manifest)
                if kind == "tweets":
                    _take(gone, _rows().tweets(some), hour)
                else:
                    gone.rejected(_rows().rejected(some), hour)
                yield
        except FileNotFoundError:
            raise _Gone from None

    def _from_batches(
        self, unit: UnitManifest, erased: lines.Places, gone: Digest
    ) -> Iterator[None]:
        for seq in range(unit.first, unit.until):
            found = self.published.manifest(seq)
            if found is None:
                raise _Gone
            if not any(_within(one, found[0]) for one in erased):
                continue
            then = seconds(found[0].batch_time)
            for path in (file["path"] for file in found[0].files):
                for block in self.published.blocks(seq, path):
                    wanted = (one for one in block.splitlines() if _place(one) in erased)
                    some = b"\n".join(wanted)
                    if path.startswith("tweets/"):
                        _take(gone, lines.tweets(some), then)
                    else:
                        gone.rejected(lines.rejected(some), then)
            yield

    def _tables(self, unit: UnitManifest) -> Iterator[tuple[str, Any]]:
        """Kind and rows, of some thousands at a time."""
        for name in (file["path"] for file in unit.files):
            kind, path = name.partition("/")[0], f"{unit.unit.folder}/{name}"
            if kind in ("tweets", "rejected"):
                with sound(path):
                    for table in _rows().groups(self.published.data(path), kind):
                        yield kind, table


def _rows() -> Any:
    """views/unit_rows.py, once there is a unit: a follower without one does not load Arrow, which
    takes 40 MB."""
    from views import unit_rows

    return unit_rows


def _take(gone: Digest, found: list[lines.Line], published_s: float) -> None:
    gone.tweets(found, published_s)
    gone.gone |= {line.id for line in found if line.id is not None}


def _start(unit: UnitManifest) -> float:
    return seconds(f"{unit.hour}:00:00Z")


def _place(line: bytes) -> tuple[str, int, int]:
    at = lines.placed(line).kafka
    return at.topic, at.partition, at.offset


def _within(place: tuple[str, int, int], manifest: Manifest) -> bool:
    topic, partition, offset = place
    return any(
        (topic, partition) == (of, number) and start <= offset < end
        for of, number, start, end in manifest.ranges
    )
