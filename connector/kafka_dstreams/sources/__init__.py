"""Sources of one's own for PySpark DStreams: a reliable receiver that is written in Python.

A source runs in a process of its own beside an executor. It is told that its messages are stored
when they are (in the write-ahead log where it is on), and acknowledges them to where it has them
from. See docs/sources.md.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple, Sequence

from pyspark import StorageLevel, cloudpickle
from pyspark.streaming import StreamingContext

from kafka_dstreams import running, streams
from kafka_dstreams.dstreams import KafkaDStream
from kafka_dstreams.records import RecordSerializer, records

REFERENCE = re.compile(r"\$\{(?:env:([^${}:]+)|file:([^${}]+):([^${}:]+))\}")
_CREDENTIALS = re.compile(r"://[^/@:]*:(?!\$\{(?:env|file):[^${}]+\}@)[^/@]+@")


class Message(NamedTuple):
    """What a source brings; it becomes a Record. `timestamp` is in milliseconds, None is now."""

    value: bytes | None
    key: bytes | None = None
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


class GiveUp(Exception):
    """Raised by a source where trying again is of no use: the application ends with its text.

    After any other exception the source is started again, as Spark does with receivers.
    """


class Source(ABC):
    """What a receiver runs. It is made on the driver, pickled (into checkpoints too), and opened in
    a process beside an executor, where one thread calls it."""

    name: str = ""
    """The `topic` of its Records, and what messages call it."""
    host: str | None = None
    """Where it has to run, None is anywhere."""

    def open(self) -> None:  # noqa: B027
        """Connect. Raise GiveUp where trying again is of no use."""

    @abstractmethod
    def poll(self, limit: int, wait: float) -> list[Message]:
        """At most `limit` messages, after `wait` seconds; earlier when there are `limit`, or when
        nothing more can come before `ack`."""

    def ack(self) -> None:  # noqa: B027
        """All that `poll` has returned is stored. A source without this loses what a crash
        interrupts."""

    def close(self) -> None:  # noqa: B027
        """The orderly end; what was polled has been acknowledged."""


def source_stream(
    ssc: StreamingContext,
    source: Source,
    storage_level: StorageLevel = StorageLevel.MEMORY_AND_DISK,
    headers: bool = False,
) -> KafkaDStream:
    """A stream of the source's messages as Records (topic: the source's name, partition 0, offset:
    counted from 0 by each process); with `headers` as RecordWithHeaders.

    Its process has the executors' Python, their environment and the context's Python files (add
    them before). Raises what pickling raises.
    """
    sc = ssc.sparkContext
    running.check_java(sc._jvm)
    name = source.name or type(source).__name__
    includes = ",".join(["", *(sc._python_includes or ())])
    spec = {"name": name, "python": sc.pythonExec, "includes": includes}
    if source.host:
        spec["host"] = source.host
    pickled = cloudpickle.dumps((name, source, headers))  # type: ignore[no-untyped-call]
    hello = b"".join(struct.pack(">i", len(part)) + part for part in (version(), pickled))
    level, about = sc._getJavaStorageLevel(storage_level), map(json.dumps, (spec, sc.environment))
    stream = streams.call(sc._jvm, "sourceStream", ssc._jssc, *about, hello, level)
    return KafkaDStream(stream, ssc, RecordSerializer(records))


def version() -> bytes:
    """The running Python's, as far as pickles of functions depend on it."""
    return b"%d.%d" % sys.version_info[:2]


def secret(text: str) -> str:
    """The text with each ${env:NAME} and ${file:PATH:KEY} in it replaced by what that holds: for
    `open`, so that checkpoints have the reference only. Raises GiveUp where there is no such
    entry."""
    return REFERENCE.sub(_looked_up, text)


def _looked_up(found: re.Match[str]) -> str:
    name, path, key = found.groups()
    if name is not None:
        if name not in os.environ:
            raise GiveUp(f"{found[0]}: the executor's environment has no variable of this name")
        return os.environ[name]
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise GiveUp(f"{found[0]}: the executor cannot read this file: {error}") from None
    entries = dict(
        re.split(r"\s*[=:]\s*", line.strip(), maxsplit=1) for line in lines if "=" in line
    )
    if key not in entries:
        raise GiveUp(f"{found[0]}: the file has no entry of this name")
    return entries[key]


def without_password(url: str) -> str:
    """The URL. Raises ValueError for one with a password in clear: every checkpoint would have
    it."""
    if _CREDENTIALS.search(url):
        raise ValueError(
            "the URL holds a password in clear, which checkpoints would show; write ${env:NAME} "
            "for a variable of the environment or ${file:/PATH/FILE.properties:KEY} for an entry "
            "of a file in its place"
        )
    return url
