"""What the audit reads of HDFS, over WebHDFS: three requests for a batch, and one for each of its files."""

import getpass
import gzip
import io
from collections.abc import Iterable, Iterator
from functools import partial

from audit_chain import Batch, Damaged
from hdfs import InsecureClient
from hdfs.util import HdfsError

PATIENCE_S = 30


class Output:
    """The folder that a job publishes into. `output` is a path on the file system."""

    def __init__(self, webhdfs: str, output: str) -> None:
        self.client = InsecureClient(webhdfs, user=getpass.getuser(), timeout=PATIENCE_S)
        self.root = f"{output.rstrip('/')}/batches"

    def batches(self, first: int = 0, until: int | None = None) -> Iterator[Batch]:
        """The directories of `batches/` by name, of these numbers `[first, until)`; none if it does not exist."""
        for name in sorted(self._list(self.root)):
            if not name.isdecimal() or (first <= int(name) and (until is None or int(name) < until)):
                yield self._batch(name)

    def manifest(self, seq: int) -> bytes | None:
        """The bytes of a batch's manifest, None if there is none."""
        return self._content(f"{self.root}/{seq:010d}/_manifest.json")

    def _list(self, folder: str) -> list[str]:
        status = self.client.status(folder, strict=False)
        names: list[str] = self.client.list(folder) if status and status["type"] == "DIRECTORY" else []
        return names

    def _batch(self, name: str) -> Batch:
        folder = f"{self.root}/{name}"
        summary = self.client.content(folder)
        manifest = self._content(f"{folder}/_manifest.json")
        size = summary["fileCount"], summary["length"]
        return Batch(name, manifest, size, partial(self._lengths, folder), partial(self._lines, folder))

    def _lengths(self, folder: str) -> dict[str, int]:
        lengths = {}
        for (directory, _), _, files in self.client.walk(folder, status=True):
            for file, status in files:
                lengths[f"{directory}/{file}".removeprefix(f"{folder}/")] = status["length"]
        lengths.pop("_manifest.json", None)
        return lengths

    def _lines(self, folder: str, path: str, length: int) -> Iterable[bytes]:
        content = self._content(f"{folder}/{path}")
        if content is None:
            raise Damaged("it is missing")
        if len(content) != length:
            raise Damaged(f"it has {len(content)} bytes, not {length}")
        file = io.BytesIO(content)
        reader = io.BufferedReader(gzip.GzipFile(fileobj=file)) if path.endswith(".gz") else file
        return (line.removesuffix(b"\n") for line in reader)

    def _content(self, path: str) -> bytes | None:
        """The whole file, None if there is none."""
        try:
            with self.client.read(path) as reader:
                return bytes(reader.read())
        except HdfsError as error:
            if error.exception == "FileNotFoundException":
                return None
            raise
