"""One run of the compactor over one output: units of what is closed, erasure, removal."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JJavaError

from consumers.output import chain, compaction, removal, units
from consumers.output.aside import aside
from consumers.output.compaction import Content, Plan, Stage
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage
from consumers.output.units import Unit, UnitManifest
from units import erasures, ids, rows, tasks
from units.report import Report
from units.tasks import Deletion

LOG = logging.getLogger(__name__)
GROUP_BYTES = 32 * 1024 * 1024
"""About this much of packed lines, or of Parquet, is one task and one file."""
REMEMBERED_HOURS = 24 * 7
"""A copy that comes after its deletion is erased too, if it comes within this time."""
LATE_MINUTES = 5
"""An hour is over this long after its end, though no batch of a later one has come."""


Shown = Callable[[str, int, int], None]
"""What is told what is done now, and how many of how many are done; 0 where that is not known."""


def _log(text: str, _done: int, _of: int) -> None:
    LOG.info("%s", text)


class Compactor:
    """The compactor of an output that it has claimed."""

    def __init__(self, storage: Storage, own: Ownership, shown: Shown = _log) -> None:
        self.storage, self.own, self.shown = storage, own, shown
        self.report = Report()

    def run(self, grace_hours: float, erase_hours: float, keep_days: float) -> Report:
        """Everything that is due. Raises Fenced where a newer compactor is there, DataLossRisk
        where the output is not sound."""
        began = time.monotonic()
        first, length = self._beyond()
        while plan := compaction.plan(self.storage, self.own.identity, is_over):
            done = plan.batches[0].seq - first
            self._compact(plan, done, length - first)
        self._erase(erase_hours)
        self._remove(grace_hours, keep_days)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _beyond(self) -> tuple[int, int]:
        """The number of the first batch that no unit has, and how many have been published."""
        base, length = chain.span(self.storage, self.own.identity)
        newest = units.newest(self.storage)
        return newest.until if newest else base, length

    def _compact(self, plan: Plan, done: int, of: int) -> None:
        first, until = plan.batches[0], plan.batches[-1].seq + 1
        self.shown(f"{first.batch_time[:13]}: batches [{first.seq}, {until})", done, of)
        made = compaction.stage(self.own, plan.unit)
        files = [
            (f"{chain.folder(batch.seq)}/{file['path']}", file["bytes"])
            for batch in plan.batches
            for file in batch.files
        ]
        deletions = self._known(first.batch_time[:13])
        content = self._run(made, files, tasks.compact(deletions))
        manifest = compaction.first_revision(self.own, made, plan, content)
        compaction.publish(self.own, made, manifest, content)
        self.report.units += 1
        self.report.rows += sum(content.counts.values())

    def _known(self, hour: str) -> dict[str, Deletion]:
        """The deletions that a unit of this hour may not have the tweets of."""
        since = _shifted(hour, -REMEMBERED_HOURS)
        recent = []
        for unit in reversed(units.current(self.storage)):
            if units.manifest(self.storage, unit)[0].hour < since:
                break
            recent.append(unit)
        found = erasures.tombstones(self.storage, recent)
        return found | erasures.listed(self.storage, erasures.names(self.storage))

    def _run(
        self,
        made: Stage,
        files: list[tuple[str, int]],
        task: tasks.Blobs,
        before: Iterable[dict[str, Any]] = (),
    ) -> Content:
        """Run the tasks over these files (name and bytes); `before` are rows that were erased
        earlier."""
        parts = []
        if files:
            blobs = self.storage.read_groups(groups(files)).mapPartitions(task)
            try:
                parts = self.storage.write_parts(blobs, aside(made.parts))
            except Py4JJavaError:  # a newer compactor has removed the stage under the tasks
                if self.own.holds():
                    raise
                raise self.own.lost() from None
        return self._content(parts, list(before))

    def _content(self, parts: list[dict[str, Any]], erased: list[dict[str, Any]]) -> Content:
        found = [part["summary"] for part in parts]
        kinds = ("tweets", "deleted", "rejected")
        counts = {kind: sum(one["counts"][kind] for one in found) for kind in kinds}
        now_ms = int(time.time() * 1000)
        for one in found:
            for *at, reason, deleted_ms in one["erased"]:
                values = (*at, reason, deleted_ms, now_ms)
                erased.append(dict(zip(erasures.ERASED.names, values, strict=True)))
                self.report.erased += 1
                self.report.hours.append((now_ms - deleted_ms) / 3_600_000)
        content = Content(
            files=[
                {
                    "kind": kind,
                    "name": name,
                    "bytes": size,
                    "records": part["summary"]["records"][kind],
                }
                for part in parts
                for kind, (name, size) in part["files"].items()
            ],
            counts={**counts, "erased": len(erased)},
            offsets=[tuple(row) for one in found for row in one["offsets"]],
            id_times_ms=ids.joined([span for one in found for span in one["id_times_ms"]]),
        )
        tombstones = [row for one in found for row in one["tombstones"]]
        if tombstones:
            columns = dict(
                zip(erasures.TOMBSTONES.names, zip(*tombstones, strict=True), strict=True)
            )
            data = rows.parquet(columns, erasures.TOMBSTONES)
            content.tables["tombstones.parquet"] = (data, len(tombstones))
        if erased:
            columns = {name: [row[name] for row in erased] for name in erasures.ERASED.names}
            content.tables["erased.parquet"] = (rows.parquet(columns, erasures.ERASED), len(erased))
        return content

    def _erase(self, every_hours: float) -> None:
        """Make new revisions of the units that hold what was deleted since the last look."""
        looked, lists = erasures.looked(self.storage), erasures.names(self.storage)
        manifests = [units.manifest(self.storage, unit)[0] for unit in units.current(self.storage)]
        new = set(lists) - looked.lists
        if not manifests or (not new and looked.time > removal.ago(every_hours)):
            return
        deletions = erasures.tombstones(
            self.storage, [one.unit for one in manifests if one.until > looked.until]
        ) | erasures.listed(self.storage, new)
        if deletions:
            found = self._with_hits(manifests, deletions)
            for number, one in enumerate(found):
                self.shown(f"{one.hour}: revision {one.revision + 1}", number, len(found))
                self._revise(one, deletions)
        erasures.note(self.storage, manifests[-1].until, lists)

    def _with_hits(
        self, manifests: list[UnitManifest], deletions: dict[str, Deletion]
    ) -> list[UnitManifest]:
        """The units that have one of the rows: those are looked into whose ids' times fit."""
        wanted = [one for one in manifests if may_have(one, deletions)]
        files = [
            (one, f"{one.unit.folder}/{file['path']}")
            for one in wanted
            for file in one.files
            if "/" in file["path"]
        ]
        if not files:
            return []
        self.shown(f"looking for {len(deletions)} deletions in {len(wanted)} units", 0, 0)
        blobs = self.storage.read_groups([[path] for _, path in files])
        answers = blobs.mapPartitions(tasks.search(deletions)).collect()
        hit = {one.first for (one, _), answer in zip(files, answers, strict=True) if answer == b"1"}
        return [one for one in wanted if one.first in hit]

    def _revise(self, old: UnitManifest, deletions: dict[str, Deletion]) -> None:
        """Publish the unit again without these rows."""
        unit = Unit(old.first, old.revision + 1)
        made = compaction.stage(self.own, unit)
        folder = old.unit.folder
        files = [
            (f"{folder}/{file['path']}", file["bytes"]) for file in old.files if "/" in file["path"]
        ]
        erased = []
        if old.counts.get("erased"):
            erased = rows.read(self.storage.read(f"{folder}/erased.parquet")).to_pylist()
        content = self._run(made, files, tasks.rewrite(deletions), erased)
        before = units.manifest(self.storage, old.unit)
        manifest = compaction.next_revision(self.own, made, before, content)
        compaction.publish(self.own, made, manifest, content)
        self.report.revisions += 1

    def _remove(self, grace_hours: float, keep_days: float) -> None:
        before, identity = removal.ago(grace_hours), self.own.identity
        self.report.revisions_removed += len(removal.revisions(self.storage, before))
        for count in removal.batches(self.storage, identity, before):
            self.report.batches_removed += count
            self.shown("batches are removed", self.report.batches_removed, 0)
        if keep_days:
            oldest = removal.ago(keep_days * 24)
            self.report.units_removed += len(removal.old_units(self.storage, identity, oldest))


def groups(files: list[tuple[str, int]]) -> list[list[str]]:
    """The files in as few groups of about GROUP_BYTES as there can be, in their order."""
    count = max(1, math.ceil(sum(size for _, size in files) / GROUP_BYTES))
    share = sum(size for _, size in files) / count
    found: list[list[str]] = [[]]
    taken = 0
    for name, size in files:
        if found[-1] and taken >= share * len(found) and len(found) < count:
            found.append([])
        found[-1].append(name)
        taken += size
    return found


def may_have(manifest: UnitManifest, deletions: dict[str, Deletion]) -> bool:
    """Whether a unit can have one of these ids, by the times in its own."""
    if manifest.id_times_ms is None or any(map(ids.is_account, deletions)):
        return True
    times = ids.times_ms(pa.array(list(deletions), pa.string()))
    low, high = manifest.id_times_ms
    return bool(((times == ids.UNKNOWN) | ((times >= low) & (times <= high))).any())


def is_over(hour: str) -> bool:
    """Whether the hour (2026-01-01T00) has ended by this machine's clock."""
    end = datetime.fromisoformat(f"{hour}:00:00+00:00") + timedelta(hours=1, minutes=LATE_MINUTES)
    return datetime.now(timezone.utc) >= end


def _shifted(hour: str, hours: int) -> str:
    then = datetime.fromisoformat(f"{hour}:00:00+00:00") + timedelta(hours=hours)
    return then.isoformat()[:13]
