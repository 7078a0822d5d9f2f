"""What the audit opens of an output with units: no batch that a unit has, though it is still
there."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hdfs.util import HdfsError

from audit import __main__ as program
from audit import files as audit_files
from consumers.output import commits, units
from tests.kit.memory_files import MemoryFiles
from tests.kit.memory_units import compact
from tests.kit.published_output import opened, publish, records

GIVEN = argparse.Namespace(
    ledger=[],
    bootstrap="",
    partitions={},
    webhdfs="http://x",
    path="",
    from_batch=0,
    until_batch=None,
    erased_within_hours=24,
)


class Client:
    """What the audit asks of WebHDFS, of files in memory; notes what is opened."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files, self.opened = files, list[str]()

    def status(self, path: str, strict: bool) -> bool:
        return self.files.exists(path[1:]) or strict

    def list(self, path: str, status: bool) -> list[tuple[str, dict[str, Any]]]:
        assert status
        found = self.files.list(path[1:])
        return [(name, {"type": "DIRECTORY" if one.is_folder else "FILE", "length": 0})
                for name, one in found.items()]  # fmt: skip

    def content(self, path: str) -> dict[str, int]:
        self.opened.append(path)
        below = [data for name, data in self.files.nodes.items() if f"/{name}".startswith(path)]
        whole = [data for data in below if data is not None]
        return {"fileCount": len(whole), "length": sum(map(len, whole))}

    @contextmanager
    def read(self, path: str, chunk_size: int) -> Iterator[Sequence[bytes]]:
        self.opened.append(path)
        try:
            data = self.files.read(path[1:])
        except FileNotFoundError:
            raise HdfsError("no file", exception="FileNotFoundException") from None
        yield [data[at : at + chunk_size] for at in range(0, len(data), chunk_size)]


def opened_by_audit(files: MemoryFiles, patch: pytest.MonkeyPatch) -> tuple[list[str], int]:
    """What the audit opens, and how many rows it reads; whatever the rows are, nothing is wrong
    with the chain."""
    client, rows = Client(files), 0

    def judge(_kafka: Any, batches: Any, _unseen: Any, chain: Any, **more: Any) -> Any:
        nonlocal rows
        linked = [*map(chain.link_unit, more["units"]), *map(chain.link, batches)]
        for one in linked:
            assert one.errors == []
            rows += sum(1 for path in one.lengths for _ in one.batch.lines(path, one.lengths[path]))

    patch.setattr(audit_files, "InsecureClient", lambda *_, **__: client)
    patch.setattr(program, "Topics", lambda *_: argparse.Namespace(unseen=tuple))
    patch.setattr(program.access, "properties", lambda _: {})
    patch.setattr(program, "judge", judge)
    program.audit(GIVEN)
    return client.opened, rows


def test_batches_that_a_unit_has_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MemoryFiles()
    driver, given = opened(files), 0
    for hour in (0, 0, 1, 1, 1, 2):
        monkeypatch.setattr(commits, "now", lambda h=hour: f"2026-11-27T{h:02d}:10:00.000Z")
        given += sum(publish(driver, records(Random(hour), given, 20)).counts.values())
    compact(files)
    until = units.newest(files).until  # type: ignore[union-attr]
    assert until >= 5 and files.exists("batches/0000000/0000000000")
    names, rows = opened_by_audit(files, monkeypatch)
    assert rows == given
    raw = {int(name.split("/")[3]) for name in names if name.startswith("/batches/0000000/")}
    assert raw == set(range(until, 6))

    # The counter-test: an audit that begins with batch 0 again would be seen.
    monkeypatch.setattr(program, "end_of", lambda _: 1)
    with pytest.raises(AssertionError):
        opened_by_audit(files, monkeypatch)
