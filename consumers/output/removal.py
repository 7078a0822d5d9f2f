"""What goes: batches that a unit has replaced, revisions that a newer one has replaced, and units
that are older than they are to be kept. Each some hours after it has been replaced, so that a
reader of it comes to its end.

Whatever is removed here is removed for good: it does not go to HDFS's trash.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from consumers.output import chain, fail_points, units
from consumers.output.files import Files
from consumers.output.units import Unit


def batches(files: Files, identity: str, before: str) -> Iterator[int]:
    """Remove the batches of units that were made before this time, the lowest first, and never the
    newest batch; gives how many at each step. Raises DataLossRisk where others are missing."""
    base, length = chain.span(files, identity)
    until = min(_replaced(files, before, base), length - 1)
    seq = base
    while seq < until:
        end = (seq // chain.SHARD + 1) * chain.SHARD
        if seq % chain.SHARD == 0 and end <= until:
            files.delete(chain.shard(seq))  # one call for all of them
        else:
            end = min(end, seq + 1)
            files.delete(chain.folder(seq))
            if end % chain.SHARD == 0:
                files.delete(chain.shard(seq))
        fail_points.visit("batches removed")
        yield end - seq
        seq = end


def _replaced(files: Files, before: str, base: int) -> int:
    """The number of the first batch that has to stay: the units are asked from the newest down."""
    for unit in reversed(units.current(files)):
        manifest, _ = units.manifest(files, unit)
        if manifest.until <= base:
            break
        if manifest.compacted < before:
            return manifest.until
    return base


def revisions(files: Files, before: str) -> list[Unit]:
    """Remove the revisions whose successor was made before this time; gives them."""
    gone = []
    for first, numbers in units.revisions(files).items():
        for number, successor in zip(numbers, numbers[1:], strict=False):
            if units.manifest(files, Unit(first, successor))[0].made < before:
                files.delete(Unit(first, number).folder)
                fail_points.visit("revision removed")
                gone.append(Unit(first, number))
    return gone


def old_units(files: Files, identity: str, before: str) -> list[Unit]:
    """Remove the units of hours before this time, the oldest first, unless their batches are still
    there; never the newest unit. Gives them."""
    base, _ = chain.span(files, identity)
    gone = []
    for unit in units.current(files)[:-1]:
        manifest, _ = units.manifest(files, unit)
        if manifest.hour >= before[:13] or manifest.until > base:
            break
        for number in units.revisions(files)[unit.first]:
            files.delete(Unit(unit.first, number).folder)
        fail_points.visit("unit removed")
        gone.append(unit)
    return gone


def ago(hours: float) -> str:
    """The time this many hours ago, as manifests have it."""
    then = datetime.now(timezone.utc) - timedelta(hours=hours)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
