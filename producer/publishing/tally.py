"""Counts the outcome of every record, tells it to the ledger, and sets aside records that Kafka
will never take."""

import base64
import errno
import json
import logging
import os
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from config.errors import PipelineError
from producer.publishing.ledger import Ledger
from producer.spool.folder import sync

log = logging.getLogger("producer")


@dataclass
class Tally:
    """The outcomes over all connections of a run; `value_bytes` are those of the acknowledged ones.

    With `aside`, a file, a rejected record goes there. With `patient` a full disk under the ledger
    is waited for.
    """

    topic: str
    ledger: Ledger | None = None
    aside: Path | None = None
    patient: bool = False
    acked: int = 0
    rejected: int = 0
    value_bytes: int = 0
    trouble: str = ""
    _delivered: list[tuple[int, int]] = field(default_factory=list)
    _rejected: list[int] = field(default_factory=list)

    @property
    def blocked(self) -> bool:
        """Whether nothing more should be sent: the ledger has no room for what has been
        acknowledged."""
        return bool(self.trouble)

    def delivered(self, number: int, size: int) -> None:
        """Count a record, with a value of `size` bytes, that is on the topic; the ledger has its
        line."""
        self._delivered.append((number, size))

    def reject(self, number: int, key: bytes | None, value: bytes | None, reason: str) -> None:
        """Set a record aside that Kafka will never take. Raises PipelineError when its file cannot
        be written."""
        size = len(key or b"") + len(value or b"")
        log.warning("rejected: a record of %d bytes, key %r: %s", size, (key or b"")[:80], reason)
        if self.aside:
            _append(self.aside, {
                "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "topic": self.topic,
                "key": key.decode(errors="replace") if key is not None else None,
                "reason": reason,
                "raw": base64.b64encode(value).decode() if value is not None else None,
            })  # fmt: skip
        self._rejected.append(number)

    def forget(self) -> None:
        """Forget what an ended connection reported: what is not settled is sent over the next
        one."""
        self._delivered, self._rejected = [], []

    def settled(self) -> list[int]:
        """The numbers of the records that are done with since, once the ledger's file has their
        lines; counts them.

        None of them while the ledger's disk is full, if that is waited for. Raises PipelineError
        when it cannot be written.
        """
        if self._delivered and self.ledger is not None and not self._told(self.ledger):
            return []
        self.acked += len(self._delivered)
        self.value_bytes += sum(size for _, size in self._delivered)
        self.rejected += len(self._rejected)
        numbers = [number for number, _ in self._delivered] + self._rejected
        self.forget()
        return numbers

    def _told(self, ledger: Ledger) -> bool:
        try:
            ledger.flush()
        except OSError as error:
            if not self.patient or error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise PipelineError(
                    f"cannot write the ledger: {error.strerror}",
                    ledger.path,
                    "free some disk space",
                ) from None
            self.trouble = "the ledger's disk is full, sending has stopped"
            return False
        self.trouble = ""
        return True


def _append(path: Path, line: dict[str, str | None]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # opened above, for its owner only
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
            data = json.dumps(line).encode() + b"\n"
            if file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        sync(path.parent)
    except OSError as error:
        what = f"a rejected record cannot be set aside: {error.strerror}"
        raise PipelineError(what, str(path), "free some disk space, then start again") from None
