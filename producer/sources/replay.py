"""Tweets from a file or standard input, plain or gzip: JSON Lines, twarc2's pages, or JSON arrays
of either.

The bytes of a line, or of an array's element, are the tweet, untouched; those of a page are put
together from its parts.
"""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from config.errors import ConfigError, PipelineError
from config.settings import Settings
from producer.sources import Memory, Record, Records, State
from producer.sources.arrays import NotAnArray, elements
from producer.sources.identity import record_of
from producer.sources.twarc_pages import tweets_of

_GZIP, _BOM = b"\x1f\x8b", b"\xef\xbb\xbf"
LARGEST_BYTES = 64 * 1024 * 1024  # of a line or an element, which is held in memory
START_BYTES, CHUNK_BYTES = 64 * 1024, 256 * 1024
Readable: TypeAlias = gzip.GzipFile | io.BufferedReader
LOOKED_AT = 10  # lines: when none of the first is an object, the file is something else


def open(chosen: Settings, state: State, _memory: Memory) -> "Replay":
    """See `Replay`."""
    state.now = "reading"
    return Replay(chosen.file, chosen.loop)


def question(_chosen: Settings) -> None:
    """None: every run reads the file from its beginning."""


class Replay:
    """The records of `path` in the file's order; `-` is standard input; with `loop` it begins again
    at the end of the file.

    Lines of white space alone are not records: they are skipped and counted in `skipped`.
    Raises ConfigError at once for a file that cannot be read and later for one that is no tweets'
    file, naming the line; PipelineError where a gzip file turns out to be damaged.
    """

    def __init__(self, path: str, loop: bool = False) -> None:
        if not path:
            raise ConfigError(
                "the replay source needs a file",
                "--file",
                "give --file FILE, or --file - for standard input",
            )
        if loop and path == "-":
            raise ConfigError(
                "standard input cannot be read twice", "--loop", "drop --loop, or give --file FILE"
            )
        self._path, self._loop = path, loop
        self.skipped = 0
        self._file = self._opened()

    def __iter__(self) -> Records:
        while True:
            records = 0
            for value in self._values():
                records += 1
                yield from _records_of(value)
            if not self._loop:
                return
            if not records:
                raise ConfigError(
                    "there is nothing in the file to loop over", self._path, "drop --loop"
                )
            self._file = self._opened()

    def _opened(self) -> io.BufferedReader:
        if self._path == "-":
            return os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
        try:
            return Path(self._path).open("rb")
        except OSError as error:
            raise ConfigError(
                f"cannot read the file: {error.strerror}", self._path, "check --file"
            ) from None

    def _values(self) -> Iterator[bytes]:
        """The file's lines or elements; raises as the class says."""
        with self._file as file:
            packed = file.peek(2)[:2] == _GZIP
            try:
                yield from self._read(gzip.GzipFile(fileobj=file) if packed else file)
            except NotAnArray as error:
                raise self._other(error.what, error.line) from None
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise PipelineError(
                    f"the gzip file is damaged or cut off: {error}",
                    self._path,
                    "everything before that was published; get a whole copy of the file",
                ) from None
            except OSError as error:
                raise PipelineError(
                    f"the file cannot be read on: {error.strerror}", self._path, "check the disk"
                ) from None

    def _read(self, file: Readable) -> Iterator[bytes]:
        start = file.read1(START_BYTES)
        while start.isspace() and len(start) < CHUNK_BYTES and (more := file.read1(START_BYTES)):
            start += more
        start = start.removeprefix(_BOM)
        if start.lstrip().startswith(b"["):
            yield from elements(_chunks(start, file), LARGEST_BYTES)
        else:
            yield from self._lines(_lines_of(start, file))

    def _lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Each line without its end; raises ConfigError when the first ones show that these are not
        JSON Lines."""
        unsure, first = list[bytes](), 0
        for number, line in enumerate(lines, 1):
            if len(line) >= LARGEST_BYTES:
                raise self._other(f"a line of more than {LARGEST_BYTES:,} bytes", number)
            if line.isspace():
                self.skipped += 1
            else:
                value = (
                    line[: -2 if line.endswith(b"\r\n") else -1] if line.endswith(b"\n") else line
                )
                if first >= 0 and not _is_object(value):
                    unsure.append(value)
                    first = first or number
                    if len(unsure) == LOOKED_AT:
                        break
                else:
                    yield from unsure
                    unsure, first = [], -1
                    yield value
        if unsure:
            raise self._other("neither JSON Lines nor a JSON array: no line begins a tweet", first)

    def _other(self, what: str, line: int) -> ConfigError:
        remedy = (
            "give a file with one JSON object per line, twarc2's pages, or a JSON array of "
            "objects; what came before is published"
        )
        return ConfigError(what, f"{self._path}, line {line}", remedy)


def _lines_of(start: bytes, file: Readable) -> Iterator[bytes]:
    *whole, last = start.split(b"\n")
    yield from (line + b"\n" for line in whole)
    last += file.readline(LARGEST_BYTES)
    while last:
        yield last
        last = file.readline(LARGEST_BYTES)


def _chunks(start: bytes, file: Readable) -> Iterator[bytes]:
    while start:
        yield start
        # of a gzip file that is cut off, `read` would keep what it has
        start = file.read1(CHUNK_BYTES)


def _is_object(value: bytes) -> bool:
    try:
        msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _records_of(value: bytes) -> Iterator[Record]:
    """The record in a line; those of a page where it is one."""
    record = record_of(value)
    tweets = tweets_of(value) if record.id is None and record.value is not None else None
    if tweets is None:
        yield record
    else:
        for tweet in tweets:
            yield record_of(tweet)
