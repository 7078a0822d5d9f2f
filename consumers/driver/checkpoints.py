"""The receiver job's checkpoint: whose it is, what it freezes, and whether its logs can be read."""

import json
import posixpath
import time
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from config import errors
from config.settings import Settings
from consumers.driver import running
from consumers.output.storage import Storage

FROZEN = ("bootstrap", "topic", "batch_interval_s", "receivers", "max_rate")
OURS = ("batches", "_epochs", "_seen", "_staging", "_identity.json")  # in an output


def check_place(checkpoint: str, output: str) -> None:
    """Raises ConfigError where Spark would write into the output's own folders; an empty address is
    the job's own place."""
    there, ours = urlsplit(checkpoint), urlsplit(output)
    folder, root = posixpath.normpath(there.path), posixpath.normpath(ours.path)
    if not checkpoint or there.netloc != ours.netloc:
        return
    below = folder.removeprefix(f"{root}/").partition("/")[0]
    if (
        folder == root
        or root.startswith(f"{folder}/")
        or (folder.startswith(f"{root}/") and below in OURS)
    ):
        what = "the checkpoint would be among what is published"
        raise errors.ConfigError(
            what, f"checkpoint {checkpoint}", "a folder of its own; <output>/_checkpoint is one"
        )


def open_checkpoint(job: Settings, checkpoint: str, identity: str) -> None:
    """Remember the settings that a checkpoint freezes and its output, or refuse to start with
    others than it was made with.

    One with batches from the future is refused too: Spark would give no batch a record before their
    time, which the names in the log of the batches say (log-BEGIN-END, ms). The logs are readable
    when this returns, whatever their last writer died of. Only the owner may use the folder: the
    next driver runs what somebody writes there.
    """
    storage = Storage(checkpoint)
    storage.make_private("")
    storage.recover_leases("")
    begins = [
        int(name.split("-")[1])
        for name in storage.list("receivedBlockMetadata")
        if name.startswith("log-")
    ]
    ahead = max(begins, default=0) / 1000 - time.time()
    if ahead > running.CLOCK_SLACK_S:
        what = (
            f"the last batch is {ahead:.0f} s ahead of the clock, which was set back or is "
            "another host's"
        )
        raise errors.ConfigError(
            what, checkpoint, f"set the clock; or {running.ANOTHER_CHECKPOINT}"
        )
    now: dict[str, Any] = {**{name: getattr(job, name) for name in FROZEN}, "output": identity}
    if not storage.exists("settings.json"):
        storage.create(aside := f"settings.{uuid.uuid4()}.json", json.dumps(now).encode())
        # of two that start at once the first one's count
        with suppress(FileExistsError, FileNotFoundError):
            storage.rename(aside, "settings.json")
        storage.delete(aside)
    try:
        then = json.loads(storage.read("settings.json"))
    except ValueError:
        where = f"{checkpoint}/settings.json"
        raise errors.ConfigError(
            "the checkpoint's settings are not readable", where, running.ANOTHER_CHECKPOINT
        ) from None
    changed = [
        f"{name}: {then.get(name)!r} there, {value!r} now"
        for name, value in now.items()
        if then.get(name) != value
    ]
    if changed:
        what = f"the checkpoint was made with other settings ({'; '.join(changed)})"
        raise errors.ConfigError(
            what, checkpoint, f"start with the old values; or {running.ANOTHER_CHECKPOINT}"
        )
