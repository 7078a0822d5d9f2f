"""The store of one output: which batches it holds, and the one way in which more are added."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from config.errors import DataLossRisk
from consumers.output.manifests import Manifest
from consumers.output.manifests import digest as sha256
from views.store import adding, tables
from views.store.fold import Digest


class Frontier(NamedTuple):
    """Batches [low, next) are in the store. `below` is the hash of the batch under `low`, `above`
    that of the batch under `next`: the chain at both ends."""

    identity: str | None
    low: int
    next: int
    below: str | None
    above: str | None


class Store:
    """The store at `path`, for writing."""

    def __init__(self, path: Path) -> None:
        self.path, self._connection = path, tables.opened(path)

    def frontier(self) -> Frontier | None:
        """What the store holds; None where it holds nothing yet."""
        row = self._connection.execute(
            "SELECT identity, low, next, below, above FROM frontier"
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
                    "INSERT INTO frontier VALUES (1, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)",
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
            before = self._connection.execute("SELECT newest FROM frontier").fetchone()[0]
            newest = max(before, max((key[0] for key in digest.totals), default=0))
            adding.sums(self._connection, digest, newest)
            adding.examples(self._connection, digest)
            adding.batches(self._connection, digest)
            adding.prune(self._connection, before, newest)
            counts = [digest.counts[name] for name in ("tweets", "deleted", "rejected")]
            self._connection.execute(
                "UPDATE frontier SET identity = ?, low = ?, next = ?, below = ?, above = ?, "
                "newest = ?, newest_ms = max(newest_ms, ?), tweets = tweets + ?, "
                "deleted = deleted + ?, rejected = rejected + ?",
                (*moved, newest, max(each.newest_ms for each in digest.batches), *counts),
            )
            if moved.next > at.next:
                covered = _covered(digest.batches[-1].manifest)
                self._connection.execute("UPDATE frontier SET covered = ?", (covered,))
        return True

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
    for name in ("tweets", "deleted", "rejected"):
        said = sum(each.manifest.counts.get(name, 0) for each in digest.batches)
        if digest.counts[name] != said:
            first, last = digest.batches[0].manifest.seq, digest.batches[-1].manifest.seq
            raise DataLossRisk(
                f"the files hold {digest.counts[name]} {name}, their manifests say {said}",
                f"batches {min(first, last)} to {max(first, last)}",
                "scripts/audit.py says what is wrong",
            )


def _moved(at: Frontier, digest: Digest) -> Frontier | None:
    """The frontier with the digest's batches, upward or downward; None where they do not join it.
    Raises DataLossRisk where a hash is not the one that the chain names."""
    identity, low, until, below, above = at
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
            raise DataLossRisk(
                "the chain of manifests is broken",
                f"batch {manifest.seq}",
                "scripts/audit.py shows what is there",
            )
        identity = manifest.identity
    return Frontier(identity, low, until, below, above)


def _covered(manifest: Manifest) -> str:
    return json.dumps([[*key, intervals] for key, intervals in sorted(manifest.covered.items())])
