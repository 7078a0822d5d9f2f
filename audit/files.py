"""What the audit reads of HDFS: three requests for a batch, and two for each of its files."""

import argparse
import getpass
import gzip
import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from hdfs import InsecureClient
from hdfs.util import HdfsError

from audit import kerberized, units
from audit.chain import SHARD, Batch, Damaged, name_of

PATIENCE_S = 30
CHUNK = 1024 * 1024


def client_of(given: argparse.Namespace) -> Any:
    """HDFS's files over WebHDFS, or with a login where Hadoop's configuration asks for one. Raises
    Refused."""
    if kerberized.asked_for():
        return kerberized.Kerberized(given.output, given.principal, given.keytab)
    return over_webhdfs(given.webhdfs)


def over_webhdfs(address: str) -> InsecureClient:
    """The files of a plain HDFS."""
    return InsecureClient(address, user=getpass.getuser(), timeout=PATIENCE_S)


class Output:
    """The folder that a job publishes into. `output` is a path on the file system that `files` is
    a client of; an address is one of WebHDFS."""

    def __init__(self, files: Any, output: str) -> None:
        self.client = over_webhdfs(files) if isinstance(files, str) else files
        self.root = f"{output.rstrip('/')}/batches"
        self.units_root = f"{output.rstrip('/')}/units"
        self.lists_root = f"{output.rstrip('/')}/erasures"

    def batches(self, first: int = 0, until: int | None = None) -> Iterator[Batch]:
        """What is in the shards of `batches/`, by name, of these numbers `[first, until)`; none if
        the folder does not exist."""
        for shard, status in self._list(self.root):
            if status["type"] != "DIRECTORY":
                yield _foreign(shard, status)
            elif not shard.isdecimal() or _meets(
                int(shard) * SHARD, (int(shard) + 1) * SHARD, first, until
            ):
                for name, status in self._list(f"{self.root}/{shard}"):
                    if not name.isdecimal() or _meets(int(name), int(name) + 1, first, until):
                        yield self._batch(f"{shard}/{name}", status)

    def manifest(self, seq: int) -> bytes | None:
        """The bytes of a batch's manifest, None if there is none."""
        return self._content(f"{self.root}/{name_of(seq)}/_manifest.json")

    def units(self, first: int = 0, until: int | None = None) -> Iterator[Batch]:
        """The newest revision of each unit, as far as they have batches of `[first, until)`."""
        found = units.revisions(name for name, _ in self._list(self.units_root))
        for number, name in enumerate(found):
            start, end = int(name[:10]), [int(one[:10]) for one in found[number + 1 : number + 2]]
            if (until is None or start < until) and (not end or end[0] > first):
                folder = f"{self.units_root}/{name}"
                summary, manifest = (
                    self.client.content(folder),
                    self._content(f"{folder}/_manifest.json"),
                )
                size = summary["fileCount"], summary["length"]
                rows = partial(self._rows, folder)
                yield Batch(f"units/{name}", manifest, size, partial(self._lengths, folder), rows)

    def deletions(self) -> tuple[dict[str, int], set[str]]:
        """The time in ms of each id's deletion, by the units' tombstones and the lists; and the
        names of the lists."""
        found: dict[str, int] = {}
        for name in units.revisions(name for name, _ in self._list(self.units_root)):
            data = self._content(f"{self.units_root}/{name}/{units.TOMBSTONES}")
            found |= units.tombstones(data) if data else {}
        names = [name for name, _ in self._list(self.lists_root) if name.endswith(".json")]
        for name in names:
            found |= units.listed(self._content(f"{self.lists_root}/{name}") or b"{}")
        return found, {name.removesuffix(".json") for name in names}

    def _rows(self, folder: str, path: str, length: int) -> Iterable[bytes]:
        return units.lines(path, self._whole(folder, path, length))

    def _list(self, folder: str) -> list[tuple[str, dict[str, Any]]]:
        return (
            sorted(self.client.list(folder, status=True))
            if self.client.status(folder, strict=False)
            else []
        )

    def _batch(self, name: str, status: dict[str, Any]) -> Batch:
        if status["type"] != "DIRECTORY":
            return _foreign(name, status)
        folder = f"{self.root}/{name}"
        summary = self.client.content(folder)
        manifest = self._content(f"{folder}/_manifest.json")
        size = summary["fileCount"], summary["length"]
        return Batch(
            name, manifest, size, partial(self._lengths, folder), partial(self._lines, folder)
        )

    def _lengths(self, folder: str) -> dict[str, int]:
        lengths = {}
        for (directory, _), _, files in self.client.walk(folder, status=True):
            for file, status in files:
                lengths[f"{directory}/{file}".removeprefix(f"{folder}/")] = status["length"]
        lengths.pop("_manifest.json", None)
        return lengths

    def _lines(self, folder: str, path: str, length: int) -> Iterable[bytes]:
        file = io.BytesIO(self._whole(folder, path, length))
        reader = io.BufferedReader(gzip.GzipFile(fileobj=file)) if path.endswith(".gz") else file
        return (line.removesuffix(b"\n") for line in reader)

    def _whole(self, folder: str, path: str, length: int) -> bytes:
        content = self._content(f"{folder}/{path}")
        if content is None:
            raise Damaged("it is missing")
        if len(content) != length:
            raise Damaged(f"it has {len(content)} bytes, not {length}")
        return content

    def _content(self, path: str) -> bytes | None:
        """The whole file, None if there is none."""
        try:
            # In chunks: requests then says so when the connection ends before the length that the
            # DataNode has announced.
            with self.client.read(path, chunk_size=CHUNK) as chunks:
                return b"".join(chunks)
        except HdfsError as error:
            if error.exception == "FileNotFoundException":
                return None
            raise


def _foreign(name: str, status: dict[str, Any]) -> Batch:
    """A file where only folders should be: a batch without anything."""
    return Batch(name, None, (1, status["length"]), dict, lambda _path, _length: ())


def _meets(start: int, end: int, first: int, until: int | None) -> bool:
    return end > first and (until is None or start < until)
