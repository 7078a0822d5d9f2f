"""Reads a spool in order: the records on the disk that are not crossed off."""

import threading

from config.errors import DataLossRisk, PipelineError
from producer.spool.backlog import Entry
from producer.spool.segments import Segment


class Reader:
    """The reading position in `segments`, which another thread changes under the lock `changed`."""

    def __init__(self, segments: list[Segment], changed: threading.Condition) -> None:
        self._segments, self._changed = segments, changed
        self._reading: Segment | None = None
        self._offset = self._number = 0

    def take(self) -> list[Entry]:
        """The next records, none at the end. Raises DataLossRisk for a damaged file, PipelineError
        for one that cannot be read."""
        entries: list[Entry] = []
        while not entries and (segment := self._to_read()):
            try:
                records, end = segment.read(self._offset)
            except OSError as error:
                what = f"the spool cannot be read: {error.strerror}"
                raise PipelineError(what, str(segment.path), "look at the disk") from None
            if not records:
                raise DataLossRisk(
                    "the spool is damaged",
                    f"{segment.path} at byte {self._offset}",
                    "look at the disk",
                )
            if self._offset == 0:
                del records[0]  # the header
            numbered = enumerate(records, self._number)
            entries = [
                Entry(number, one.key, one.value)
                for number, one in numbered
                if number not in segment.crossed
            ]
            self._offset = end
            self._number += len(records)
        return entries

    def rewind(self) -> None:
        """Start at the beginning again."""
        self._reading = None

    def more(self) -> bool:
        """Whether there is something behind where reading stands; moves on to the segment that has
        it. The lock is held."""
        if self._reading is None or self._offset == self._reading.size:
            behind = -1 if self._reading is None else self._reading.first
            following = next(
                (segment for segment in self._segments if segment.first > behind), None
            )
            if following is None:
                return False
            self._reading, self._offset, self._number = following, 0, following.first
        return self._offset < self._reading.size

    def _to_read(self) -> Segment | None:
        with self._changed:
            return self._reading if self.more() else None
