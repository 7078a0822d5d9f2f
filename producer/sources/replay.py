"""Tweets from a file: JSON Lines, plain or gzip, or standard input. The bytes of a line are the tweet, untouched."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from config.errors import ConfigError, PipelineError
from producer.sources import Records
from producer.sources.identity import record_of

_GZIP = b"\x1f\x8b"


class Replay:
    """The records of `path` in the file's order; `-` is standard input; with `loop` it begins again at the end of the file.

    Lines of nothing but white space are no records: they are skipped and counted in `skipped`.
    Raises ConfigError at once for a file that cannot be read, PipelineError where a gzip file turns out to be damaged.
    """

    def __init__(self, path: str, loop: bool = False) -> None:
        if not path:
            raise ConfigError("the replay source needs a file", "--file", "give --file FILE, or --file - for standard input")
        if loop and path == "-":
            raise ConfigError("standard input cannot be read twice", "--loop", "drop --loop, or give --file FILE")
        self._path, self._loop = path, loop
        self.skipped = 0
        self._file = self._opened()

    def __iter__(self) -> Records:
        while True:
            records = 0
            for line in self._lines():
                if line.isspace():
                    self.skipped += 1
                    continue
                records += 1
                yield record_of(line[: -2 if line.endswith(b"\r\n") else -1] if line.endswith(b"\n") else line)
            if not self._loop:
                return
            if not records:
                raise ConfigError("there is nothing in the file to loop over", self._path, "drop --loop")
            self._file = self._opened()

    def _opened(self) -> BufferedReader:
        if self._path == "-":
            return os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
        try:
            return Path(self._path).open("rb")
        except OSError as error:
            raise ConfigError(f"cannot read the file: {error.strerror}", self._path, "check --file") from None

    def _lines(self) -> Iterator[bytes]:
        with self._file as file:
            packed = file.peek(2)[:2] == _GZIP
            try:
                yield from gzip.GzipFile(fileobj=file) if packed else file
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise PipelineError(
                    f"the gzip file is damaged or cut off: {error}",
                    self._path,
                    "everything before that was published; mend the file",
                ) from None
            except OSError as error:
                raise PipelineError(f"the file cannot be read on: {error.strerror}", self._path, "check the disk") from None
