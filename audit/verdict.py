"""What the audit says in the end: figures, findings, and the first coordinates of each kind."""

from dataclasses import dataclass, field
from typing import Any

KINDS = ("lost", "duplicated", "invented", "corrupted", "unseen", "undeleted", "chain_errors")
KINDS_OF_ROWS = ("tweets", "deleted", "rejected", "erased")
SAMPLES = 20


@dataclass
class Verdict:
    """The figures and findings; `samples` has up to 20 coordinates of each kind.

    `unjudged` are rows whose record Kafka's retention or compaction has removed: what it was is
    unknown.
    """

    in_kafka: int = 0
    batches: int = 0
    units: int = 0
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS_OF_ROWS, 0))
    unjudged: int = 0
    findings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    samples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def published(self) -> int:
        """Rows of the three kinds that have content."""
        return sum(self.rows.values()) - self.rows["erased"]

    @property
    def empty(self) -> bool:
        """Whether there was nothing to judge: an idle pipeline must not pass."""
        others = sum(count for kind, count in self.findings.items() if kind != "lost")
        return not others and not (self.in_kafka and sum(self.rows.values()))

    def convict(self, kind: str, where: str, count: int = 1) -> None:
        """Note `count` findings of a kind at these coordinates."""
        self.findings[kind] += count
        if len(self.samples[kind]) < SAMPLES:
            self.samples[kind].append(where)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        figures = {"in_kafka": self.in_kafka, "published": self.published, **self.rows}
        return {
            **figures,
            "unjudged": self.unjudged,
            "batches": self.batches,
            "units": self.units,
            **self.findings,
            "samples": self.samples,
        }

    def table(self) -> str:
        """Everything, for people."""
        parts = (
            ", ".join(f"{count} {kind}" for kind, count in self.rows.items())
            + f"; {self.units} units, {self.batches} batches"
        )
        lines = [
            f"{'in_kafka':<13}{self.in_kafka:>10}",
            f"{'published':<13}{self.published:>10}  {parts}",
        ]
        if self.unjudged:
            lines.append(
                f"{'unjudged':<13}{self.unjudged:>10}  rows whose record Kafka no longer has"
            )
        for kind in KINDS:
            lines.append(f"{kind:<13}{self.findings[kind]:>10}")
            lines += [f"{'':<13}  {where}" for where in self.samples[kind]]
            if len(self.samples[kind]) == SAMPLES:
                lines.append(f"{'':<13}  …")
        return "\n".join(lines)
