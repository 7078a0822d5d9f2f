"""The ledger: one JSON line a record that Kafka has acknowledged, for the audit to hold against the topic."""

from pathlib import Path

import msgspec

from config.errors import ConfigError


class Ledger:
    """Appends to `path`. Lines reach the file with `flush`, which the program calls every second and at the end."""

    def __init__(self, path: str) -> None:
        try:
            self._file = Path(path).open("ab")  # noqa: SIM115 - it stays open for the whole run
        except OSError as error:
            raise ConfigError(f"cannot write the ledger: {error.strerror}", path, "check --ledger") from None

    def write(self, topic: str, partition: int, offset: int, key: bytes | None, sha256: str | None) -> None:
        """One acknowledged record; `sha256` is of its value, in hex, None for a null value. Raises OSError on a full disk."""
        line = {"topic": topic, "partition": partition, "offset": offset, "key": key.decode() if key is not None else None}
        self._file.write(msgspec.json.encode(line | {"sha256": sha256}) + b"\n")

    def flush(self) -> None:
        """Hand everything written so far to the operating system. Raises OSError on a full disk."""
        self._file.flush()
