"""What may be erased from units, and what must be gone by now."""

from collections.abc import Mapping, Set
from datetime import datetime, timezone
from typing import NamedTuple

from audit.chain import Spans
from audit.intervals import holds
from audit.rows import Row


class Deletions(NamedTuple):
    """The time in ms of each id's deletion, the names of lists of ids, and the time before which a
    deleted row must be gone."""

    at_ms: Mapping[str, int] = {}
    lists: Set[str] = frozenset()
    due_ms: float = 0

    def overdue(self, row: Row) -> bool:
        """Whether the row is still there, was deleted long enough ago, and after it was written."""
        account = row.author_id if row.author_id and row.author_id.startswith("did:") else ""
        at_ms = max(self.at_ms.get(row.id or row.key or "", 0), self.at_ms.get(account, 0))
        if row.erased is not None or not 0 < at_ms < self.due_ms:
            return False
        if row.created_at is None:
            return True
        written = datetime.fromisoformat(row.created_at.replace("Z", "+00:00"))
        return written <= datetime.fromtimestamp(at_ms / 1000, timezone.utc)

    def explain(self, reason: str, tombstones: Set[str], before: Spans) -> bool:
        """Whether what erased a row is there: the list, or the tombstone, by its coordinates; or it
        lies `before` what is judged."""
        kind, _, name = reason.partition(" ")
        if kind == "list":
            return name in self.lists
        topic, _, place = name.partition("[")
        partition, _, offset = place.partition("] ")
        if kind != "tombstone" or not (partition + offset).isdecimal():
            return False
        known = before.get((topic, int(partition)), [])
        return name in tombstones or holds(known, int(offset))


NONE = Deletions()
