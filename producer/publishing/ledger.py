"""The ledger: one JSON line per record that Kafka has acknowledged, for the audit to hold against
the topic."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from config.errors import ConfigError

LONGEST_LINE_BYTES = 2 * 1024 * 1024


class Ledger:
    """Appends to the file `path`. Lines reach the system with `flush`, the disk with `close`.

    A line that a killed run has left unfinished is cut off. A loss of power may cost the last
    lines: the audit then knows of fewer acknowledgements, never of wrong ones.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._unwritten = bytearray()
        try:
            # it stays open for the whole run
            self._file = Path(path).open("a+b", buffering=0)  # noqa: SIM115
            self._cut()
        except OSError as error:
            raise ConfigError(
                f"cannot write the ledger: {error.strerror}", path, "check --ledger"
            ) from None

    def _cut(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        begin = max(end - LONGEST_LINE_BYTES, 0)
        self._file.seek(begin)
        tail = self._file.readall()
        self._file.truncate(begin + tail.rfind(b"\n") + 1)

    def write(
        self, topic: str, partition: int, offset: int, key: bytes | None, sha256: str | None
    ) -> None:
        """One acknowledged record; `sha256` is of its value, in hex, None for a null value. It
        waits in memory for `flush`."""
        line = {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "key": key.decode() if key is not None else None,
        }
        self._unwritten += msgspec.json.encode(line | {"sha256": sha256}) + b"\n"

    def flush(self) -> None:
        """Hand everything written so far to the system. Raises OSError: what is not written yet
        then waits for the next flush."""
        while self._unwritten:
            del self._unwritten[: self._file.write(self._unwritten)]

    def close(self) -> None:
        """Force it to the disk. Lines that do not fit on the disk are given up: their records are
        sent again or are in the report."""
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()
