"""Compactor, eraser, remover and reader for the model of interleavings, as units/ has them but for
what Spark does: the bytes of a file are its offsets."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from consumers.output import aside, commits, compaction, ownership, removal, units
from consumers.output.compaction import Content
from consumers.output.units import Unit
from tests.kit.interleavings import Actor
from tests.kit.published_output import FromFiles
from tests.unit.consumers.test_commits_model import Name, records
from units import reading

NOW, LATER = "2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000Z"


def compactor(name: str, offsets_of: Callable[[int, int], bytes] = records) -> Actor:
    """Makes a unit of all batches that are in none, as units/compactor.py does."""

    def run(files: Any) -> None:
        _names(name)
        own = aside.claim(files)
        plan = compaction.plan(files, own.identity, lambda _hour: True)
        if plan is None:
            return
        stage = compaction.stage(own, plan.unit)
        ranges = compaction.joined(row for batch in plan.batches for row in batch.ranges)
        data = offsets_of(ranges[0][2], ranges[0][3])
        content = written(files, stage, data, {**plan.counts, "erased": 0})
        content.offsets = ranges
        manifest = compaction.first_revision(own, stage, plan, content)
        compaction.publish(own, stage, manifest, content)

    return run


def eraser(name: str) -> Actor:
    """Erases the first record of the first unit, as units/compactor.py does."""

    def run(files: Any) -> None:
        _names(name)
        own = aside.claim(files)
        for unit in units.current(files)[:1]:
            old, before = units.manifest(files, unit)
            if old.counts["erased"]:
                return
            stage = compaction.stage(own, Unit(unit.first, unit.revision + 1))
            counts = {**old.counts, "tweets": old.counts["tweets"] - 1, "erased": 1}
            _, _, start, end = old.ranges[0]
            content = written(files, stage, records(start + 1, end), counts)
            content.tables["erased.parquet"] = (records(start, start + 1), 1)
            manifest = compaction.next_revision(own, stage, (old, before), content)
            compaction.publish(own, stage, manifest, content)

    return run


def written(files: Any, stage: compaction.Stage, data: bytes, counts: dict[str, int]) -> Content:
    """What a task writes."""
    name = "tweets-00000-1.json.gz"
    try:
        files.create_in_folder(aside.aside(f"{stage.parts}/{name}"), data)
    except FileNotFoundError:
        raise ownership.Fenced("the stage is gone") from None
    file = {"kind": "tweets", "name": name, "bytes": len(data), "records": counts["tweets"]}
    return Content([file], counts)


def remover(files: Any) -> None:
    """Removes whatever is replaced."""
    identity = json.loads(files.read("_identity.json"))["identity"]
    removal.revisions(files, LATER)
    list(removal.batches(files, identity, LATER))


def reader(offsets: int) -> Actor:
    """Reads as units/reading.py does, and finds at least this many records, each once."""

    def run(files: Any) -> None:
        def once() -> list[int]:
            paths = reading._paths(FromFiles(files), "tweets")  # type: ignore[arg-type]
            names = [name.removeprefix("memory/") for name in paths.units + paths.batches]
            return [offset for name in names for offset in json.loads(files.read(name))]

        found = reading._steady(once)
        assert len(set(found)) == len(found) and set(range(offsets)) <= set(found), found

    return run


def both(*actors: Actor) -> Actor:
    """One after the other."""

    def run(files: Any) -> None:
        for actor in actors:
            actor(files)

    return run


def _names(name: str) -> None:
    numbers = count()
    commits.uuid.uuid4 = lambda: Name(f"{name}{next(numbers)}")  # type: ignore[attr-defined]
