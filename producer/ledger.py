"""The ledger: one JSON line a record that Kafka has acknowledged, for the audit to hold against the topic."""

import os
from pathlib import Path

import msgspec

from config.errors import ConfigError

LONGEST_LINE_BYTES = 2 * 1024 * 1024


class Ledger:
    """Appends to `path`. Lines reach the file with `flush`. A line that a killed run has left unfinished is cut off."""

    def __init__(self, path: str) -> None:
        try:
            self._file = Path(path).open("a+b")  # noqa: SIM115 - it stays open for the whole run
            self._cut()
        except OSError as error:
            raise ConfigError(f"cannot write the ledger: {error.strerror}", path, "check --ledger") from None

    def _cut(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        begin = max(end - LONGEST_LINE_BYTES, 0)
        self._file.seek(begin)
        tail = self._file.read()
        self._file.truncate(begin + tail.rfind(b"\n") + 1)

    def write(self, topic: str, partition: int, offset: int, key: bytes | None, sha256: str | None) -> None:
        """One acknowledged record; `sha256` is of its value, in hex, None for a null value. Raises OSError on a full disk."""
        line = {"topic": topic, "partition": partition, "offset": offset, "key": key.decode() if key is not None else None}
        self._file.write(msgspec.json.encode(line | {"sha256": sha256}) + b"\n")

    def flush(self) -> None:
        """Hand everything written so far to the operating system. Raises OSError on a full disk."""
        self._file.flush()
