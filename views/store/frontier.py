"""The store of one output: which batches it holds, and the one way in which more are added."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from config.errors import DataLossRisk
from consumers.output.manifests import Manifest
from consumers.output.manifests import digest as sha256
from consumers.output.units import UnitManifest
from views.store import adding, tables
from views.store.fold import Digest

_KINDS = ("tweets", "deleted", "rejected")
_REMEDY = "scripts/audit.py says what is wrong"


class Frontier(NamedTuple):
    """Batches [low, next) are in the store. `below` is the hash of the batch under `low`, `above`
    that of the batch under `next`: the chain at both ends. Below `floor` nothing is left to fold:
    it is older than the units that are kept."""

    identity: str | None
    low: int
    next: int
    below: str | None
    above: str | None
    floor: int = 0


class Store:
    """The store at `path`, for writing."""

    def __init__(self, path: Path) -> None:
        self.path, self._connection = path, tables.opened(path)

    def frontier(self) -> Frontier | None:
        """What the store holds; None where it holds nothing yet."""
        row = self._connection.execute(
            "SELECT identity, low, next, below, above, floor FROM frontier"
        ).fetchone()
        return Frontier(*row) if row else None

    def begin(self, newest: Manifest | None, data: bytes = b"") -> None:
        """Start an empty store behind the output's newest batch (None: before the first one): later
        batches are shown at once, earlier ones are folded from the newest to the oldest."""
        row: tuple[Any, ...] = (None, 0, 0, None, None)
        if newest:
            row = (newest.identity, newest.seq + 1, newest.seq + 1, sha256(data), sha256(data))
        covered = _covered(newest) if newest else "{}"
        with tables.transaction(self._connection):
            if self.frontier() is None:
                self._connection.execute(
                    "INSERT INTO frontier VALUES (1, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0, 0)",
                    (*row, covered),
                )

    def add(self, digest: Digest) -> bool:
        """Add a run of batches and move the frontier over them, in one transaction.

        False, and nothing is added, where they do not join the frontier: another process has added
        them. Raises DataLossRisk where they do not join the chain or hold other numbers of lines
        than their manifests say.
        """
        _check(digest)
        with tables.transaction(self._connection):
            at = self.frontier()
            moved = _moved(at, digest) if at else None
            if at is None or moved is None:
                return False
            newest_ms = max(each.newest_ms for each in digest.batches)
            self._add(digest, digest.batches[-1].manifest.seq, moved, newest_ms)
            adding.batches(self._connection, digest)
            if moved.next > at.next:
                covered = _covered(digest.batches[-1].manifest)
                self._connection.execute("UPDATE frontier SET covered = ?", (covered,))
        return True

    def add_unit(self, digest: Digest, unit: UnitManifest, newest_ms: int) -> bool:
        """As `add`, of a whole unit. False where it does not join the frontier; raises alike."""
        where = f"unit {unit.unit.folder}"
        _check_counts(digest.counts, unit.counts, where)
        with tables.transaction(self._connection):
            at = self.frontier()
            if at is None or (unit.first != at.next and unit.until != at.low):
                return False
            upward = unit.first == at.next
            named = (at.above, unit.previous) if upward else (at.below, unit.last)
            if named[0] != named[1] or (at.identity or unit.identity) != unit.identity:
                raise _broken(where)
            moved = (
                at._replace(next=unit.until, above=unit.last)
                if upward
                else at._replace(low=unit.first, below=unit.previous)
            )
            self._add(digest, unit.first, moved._replace(identity=unit.identity), newest_ms)
            if upward:
                covered = _covered(unit)
                self._connection.execute("UPDATE frontier SET covered = ?", (covered,))
            self._note(unit)
        return True

    def revise(self, gone: Digest, unit: UnitManifest) -> None:
        """The unit's revision is without these rows: take them from the sums, and note it. Raises
        DataLossRisk where others were erased."""
        with tables.transaction(self._connection):
            _, erased = self.units().get(unit.first, (-1, 0))
            rows = gone.counts["tweets"] + gone.counts["rejected"]
            if unit.counts.get("erased", 0) - erased != rows:
                what = f"{rows} erased rows were there, the manifest has other numbers"
                raise DataLossRisk(what, unit.unit.folder, _REMEDY)
            newest = self._connection.execute("SELECT newest FROM frontier").fetchone()[0]
            adding.sums(self._connection, gone, newest, -1)
            adding.gone(self._connection, gone, unit.first)
            self._connection.execute(
                "UPDATE frontier SET tweets = tweets - ?, rejected = rejected - ?",
                (gone.counts["tweets"], gone.counts["rejected"]),
            )
            self._note(unit)

    def units(self) -> dict[int, tuple[int, int]]:
        """Of each unit by its first batch: the revision whose rows are in the sums, and how many
        rows it has erased."""
        rows = self._connection.execute("SELECT first, revision, erased FROM units")
        return {first: (revision, erased) for first, revision, erased in rows}

    def raise_floor(self, floor: int) -> None:
        """Below this batch there is nothing any more."""
        self._connection.execute("UPDATE frontier SET floor = ?", (floor,))

    def _add(self, digest: Digest, seq: int, moved: Frontier, newest_ms: int) -> None:
        before = self._connection.execute("SELECT newest FROM frontier").fetchone()[0]
        newest = max(before, max((key[0] for key in digest.totals), default=0))
        adding.sums(self._connection, digest, newest)
        adding.examples(self._connection, digest, seq)
        adding.prune(self._connection, before, newest)
        counts = [digest.counts[name] for name in _KINDS]
        self._connection.execute(
            "UPDATE frontier SET identity = ?, low = ?, next = ?, below = ?, above = ?, "
            "floor = ?, newest = ?, newest_ms = max(newest_ms, ?), tweets = tweets + ?, "
            "deleted = deleted + ?, rejected = rejected + ?",
            (*moved, newest, newest_ms, *counts),
        )

    def _note(self, unit: UnitManifest) -> None:
        row = (unit.first, unit.revision, unit.counts.get("erased", 0))
        self._connection.execute("INSERT OR REPLACE INTO units VALUES (?, ?, ?)", row)

    def empty(self) -> None:
        """Forget everything: the output is another one now."""
        with tables.transaction(self._connection):
            tables.emptied(self._connection)

    def say(self, state: str, message: str = "") -> None:
        """Write down the follower's state, for the views that show the store."""
        self._connection.execute(
            "INSERT OR REPLACE INTO status VALUES (1, ?, ?, ?)", (state, message, time.time())
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _check(digest: Digest) -> None:
    said: Counter[str] = Counter()
    for each in digest.batches:
        said.update(each.manifest.counts)
    first, last = digest.batches[0].manifest.seq, digest.batches[-1].manifest.seq
    _check_counts(digest.counts, said, f"batches {min(first, last)} to {max(first, last)}")


def _check_counts(found: Mapping[str, int], said: Mapping[str, int], where: str) -> None:
    for name in _KINDS:
        if found.get(name, 0) != said.get(name, 0):
            what = f"the files hold {found.get(name, 0)} {name}, their manifests say"
            raise DataLossRisk(f"{what} {said.get(name, 0)}", where, _REMEDY)


def _broken(where: str) -> DataLossRisk:
    remedy = "scripts/audit.py shows what is there"
    return DataLossRisk("the chain of manifests is broken", where, remedy)


def _moved(at: Frontier, digest: Digest) -> Frontier | None:
    """The frontier with the digest's batches, upward or downward; None where they do not join it.
    Raises DataLossRisk where a hash is not the one that the chain names."""
    identity, low, until, below, above, floor = at
    for folded in digest.batches:
        manifest = folded.manifest
        named: str | None
        if manifest.seq == until:
            named, found = above, manifest.previous
            until, above = until + 1, folded.sha256
        elif manifest.seq == low - 1:
            named, found = below, folded.sha256
            low, below = low - 1, manifest.previous
        else:
            return None
        if named != found or (identity or manifest.identity) != manifest.identity:
            raise _broken(f"batch {manifest.seq}")
        identity = manifest.identity
    return Frontier(identity, low, until, below, above, floor)


def _covered(manifest: Manifest | UnitManifest) -> str:
    return json.dumps([[*key, intervals] for key, intervals in sorted(manifest.covered.items())])
