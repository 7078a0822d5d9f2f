"""What a run of the compactor did."""

import statistics
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Numbers of what was made, erased and removed; `hours` are from each deletion to the unit
    without it."""

    units: int = 0
    rows: int = 0
    revisions: int = 0
    erased: int = 0
    hours: list[float] = field(default_factory=list)
    batches_removed: int = 0
    revisions_removed: int = 0
    units_removed: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For standard output."""
        found = {**self.__dict__, "seconds": round(self.seconds, 1)}
        del found["hours"]
        if self.hours:
            found["hours_to_erasure_p50"] = round(statistics.median(self.hours), 2)
            found["hours_to_erasure_max"] = round(max(self.hours), 2)
        return found
