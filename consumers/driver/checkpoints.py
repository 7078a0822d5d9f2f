"""The receiver job's checkpoint: whose it is, what it freezes, whether its logs can be read, and
the context in it."""

import json
import posixpath
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from py4j.protocol import Py4JJavaError
from pyspark.streaming import StreamingContext

from config.errors import ConfigError
from config.settings import Settings
from consumers.driver import access
from consumers.driver.running import CLOCK_SLACK_S
from consumers.output.jvm_errors import causes
from consumers.output.storage import Storage

ANOTHER = "start with another --checkpoint: the output knows what is published, nothing is lost"
FROZEN = ("bootstrap", "topic", "batch_interval_s", "receivers", "max_rate")
WATCH_S = 60.0
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
        remedy = "a folder of its own; <output>/_checkpoint is one"
        raise ConfigError(what, f"checkpoint {checkpoint}", remedy)


def prepare(settings: Settings, identity: str) -> str:
    """The address of the checkpoint of the output `identity`, ready for this start.

    Only its owner may use the folder: the next driver runs what is written there. Raises
    ConfigError where a start with these settings would go wrong, ServiceUnreachable.
    """
    address = settings.checkpoint or f"{settings.output}/_checkpoint/{identity}"
    storage = Storage(address)
    storage.make_private("")
    storage.recover_leases("")  # the last writer may have been killed
    _check_clock(storage)
    frozen = {**{name: getattr(settings, name) for name in FROZEN}, "output": identity}
    _check_settings(storage, frozen | access.of_checkpoint(settings))
    return str(address)


def _check_clock(storage: Storage) -> None:
    """Raises ConfigError if the checkpoint has batches from the future: Spark would give no batch a
    record before their time. The log of the batches names it (log-BEGIN-END, ms)."""
    begins = [
        int(name.split("-")[1])
        for name in storage.list("receivedBlockMetadata")
        if name.startswith("log-")
    ]
    ahead = max(begins, default=0) / 1000 - time.time()
    if ahead > CLOCK_SLACK_S:
        what = (
            f"the last batch is {ahead:.0f} s ahead of this clock, which was set back or is "
            "another host's"
        )
        raise ConfigError(what, storage.root, f"set the clock; or {ANOTHER}")


def _check_settings(storage: Storage, now: dict[str, Any]) -> None:
    """Remember the settings that the checkpoint freezes; raises ConfigError if it was made with
    others."""
    if not storage.exists("settings.json"):
        storage.create(aside := f"settings.{uuid.uuid4()}.json", json.dumps(now).encode())
        # Of two drivers that start at once the first one's settings count.
        with suppress(FileExistsError, FileNotFoundError):
            storage.rename(aside, "settings.json")
        storage.delete(aside)
    try:
        then = json.loads(storage.read("settings.json"))
    except ValueError:
        where = f"{storage.root}/settings.json"
        raise ConfigError("the checkpoint's settings cannot be read", where, ANOTHER) from None
    changed = [
        f"{name}: {then.get(name)!r} there, {now.get(name)!r} now"
        for name in [*now, *(name for name in then if "." in name and name not in now)]
        if then.get(name) != now.get(name)
    ]
    if changed:
        what = f"the checkpoint was made with other settings ({'; '.join(changed)})"
        raise ConfigError(what, storage.root, f"start with the old values; or {ANOTHER}")


class Watch:
    """Looks now and then whether a checkpoint can be written. Where it cannot Spark only warns: the
    write-ahead log takes no block, so no batch gets a record."""

    def __init__(self, checkpoint: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.storage, self.clock = Storage(checkpoint), clock
        self._due = clock() + WATCH_S

    def check_writable(self) -> None:
        """Raises ConfigError for a quota that is used up or a missing permission,
        ServiceUnreachable."""
        if self.clock() < self._due:
            return
        self._due = self.clock() + WATCH_S
        name = f"watch.{uuid.uuid4()}"
        try:
            self.storage.create(name, b"-")  # a byte: an empty file needs no space
        finally:
            self.storage.delete(name)


def recover_or_create(
    checkpoint: str, create: Callable[[], StreamingContext], receivers: int
) -> StreamingContext:
    """The streaming context that the checkpoint holds, or a new one where there is none.

    Raises ConfigError if it cannot be read, or if the receivers would leave no core for the
    batches.
    """
    try:
        ssc = StreamingContext.getOrCreate(checkpoint, create)
    except Py4JJavaError as error:
        if not any("Failed to read checkpoint" in text for _, text in causes(error)):
            raise
        what = "the checkpoint cannot be read; another version of this program may have made it"
        raise ConfigError(what, checkpoint, ANOTHER) from None
    sc: Any = ssc.sparkContext
    cores = sc._jvm.kafkadstreams.Cluster.cores(sc._jsc.sc())
    if cores <= receivers:
        ssc.stop()
        what = f"{receivers} receivers occupy one core each; {cores} cores leave none for batches"
        remedy = (
            f"fewer --receivers, or spark-submit --master local[{receivers + 2}]; on a cluster "
            f"--conf spark.cores.max={receivers + 2} or more executors"
        )
        raise ConfigError(what, "receivers", remedy)
    return ssc
