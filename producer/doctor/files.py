"""Can this run write its files: the spool, the ledger, the report. Creates nothing."""

import os
import shutil
from pathlib import Path

from config import settings
from config.errors import ConfigError
from producer.run import records_of
from producer.spool.spool import Spool

GIB = 1024**3


def spool(chosen: settings.Settings) -> str:
    """Opens a spool that exists as a run would, and says what waits in it. Raises ConfigError,
    DataLossRisk.

    A spool that a running producer holds is refused, as a run would refuse it. An unfinished write
    is cut off, as any start does.
    """
    if chosen.spool == "none":
        return ", none: what Kafka has not acknowledged at a crash is read again from the source"
    folder = Path(chosen.spool)
    free = shutil.disk_usage(_nearest(folder)).free
    if not folder.exists():
        _writable(folder, "--spool")
        return f", new, {free / GIB:.1f} GiB free"
    records = records_of(chosen)
    assert isinstance(records, Spool)
    waiting = records.found
    records.close()
    if free < chosen.spool_max_bytes:
        room = (
            f"{free / GIB:.1f} GiB free, less than --spool-max-bytes "
            f"({chosen.spool_max_bytes / GIB:.1f} GiB)"
        )
    else:
        room = f"{free / GIB:.1f} GiB free"
    return f", {waiting} records wait, {room}"


def file(path: str, flag: str) -> str:
    """Raises ConfigError where the file cannot be written or created."""
    if not path:
        return ", none" if flag == "--ledger" else ", standard output"
    _writable(Path(path), flag)
    return f", {path}"


def _writable(path: Path, flag: str) -> None:
    there = _nearest(path)
    if path.is_dir() and flag != "--spool":
        raise ConfigError("a folder is in its place", str(path), f"give another {flag}")
    if flag != "--spool" and there not in (path, path.parent, path.absolute().parent):
        raise ConfigError(
            "there is no such folder", str(path.parent), f"make it, or give another {flag}"
        )
    if not os.access(there, os.W_OK):
        raise ConfigError("this user may not write there", str(there), f"give another {flag}")


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
