"""HDFS by the JVM's own Hadoop client, so that there is one set of addresses and credentials.

Errors are Python's: FileExistsError, FileNotFoundError. An answer that no retry can change is a
ConfigError at once; any other is retried for a minute, then it is ServiceUnreachable.
"""

import builtins
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext
from pyspark.serializers import NoOpSerializer

from config.errors import ServiceUnreachable
from consumers.output import refusals
from consumers.output.files import Entry
from consumers.output.jvm_errors import causes

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 8  # calls; benchmarks/results/commits.json has what they gain
_RETRY_S = 60.0  # a NameNode that restarts is back within it; the supervisor takes over after


class Storage:
    """The file system of `root`. All paths are below it and relative to it. Raises ConfigError
    for an address that is not on HDFS."""

    # part files are on the DataNodes' disks before they are published; benchmarks/durability.py
    # says what it costs
    forced = True

    def __init__(self, root: str) -> None:
        refusals.check_address(root)
        SparkContext._ensure_initialized()
        self.root, self._answered = root, False
        self._pool = ThreadPoolExecutor(_AT_ONCE, "hdfs")
        self._jvm, self._gateway = _java()
        hadoop = self._jvm.org.apache.hadoop.fs
        spark = self._jvm.org.apache.spark.deploy
        conf = spark.SparkHadoopUtil.get().newConfiguration(SparkConf()._jconf)
        # kept: wherever a name of Java's is mentioned, the JVM looks for it in all jars (2 ms)
        self._new_path, self._part_files = hadoop.Path, self._jvm.partfiles.PartFiles
        self._without_overwriting = self._gateway.new_array(hadoop.Options.Rename, 1)
        self._without_overwriting[0] = hadoop.Options.Rename.NONE
        self._files: Any = self._ask(lambda: self._path("").getFileSystem(conf), "")
        self._context: Any = self._ask(
            lambda: hadoop.FileContext.getFileContext(self._path("").toUri(), conf), ""
        )
        self._answered = False  # so far only addresses were made of the name; no node was asked

    def _path(self, name: str) -> Any:
        return self._new_path(f"{self.root}/{name}" if name else self.root)

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        """Write a file, on the DataNodes' disks when this returns. Raises FileExistsError unless
        `overwrite`, FileNotFoundError where its folder is not there."""

        def write() -> None:
            # Not by hsync: it leaves out the last step, in which the DataNode moves the closed
            # block to another folder.
            stream = (
                self._files.createFile(self._path(name)).overwrite(overwrite).syncBlock().build()
            )
            stream.write(data)
            stream.close()

        self._ask(write, name)

    def read(self, name: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""

        def read() -> bytes:
            stream = self._files.open(self._path(name))
            try:
                return bytes(stream.readAllBytes())
            finally:
                stream.close()

        return self._ask(read, name)

    def list(self, name: str, after: str = "") -> dict[str, Entry]:
        """The entries of a folder whose names are greater than `after`, by name: one call from
        here, and one of the NameNode for each thousand. A folder that is not there has none."""
        path = self._path(name).toUri().getPath()
        try:
            found = self._ask(
                lambda: self._jvm.partfiles.Listing.of(self._files, path, after), name
            )
        except FileNotFoundError:
            return {}
        rows = [entry.split("/") for entry in found.split("//") if entry]
        return {row[0]: Entry(row[1] == "d", int(row[2]), int(row[3])) for row in rows}

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        return bool(self._ask(lambda: self._files.exists(self._path(name)), name))

    def mkdir(self, name: str) -> None:
        """Make a folder, or leave the one that is there. Raises FileNotFoundError where the folder
        above is not there."""
        self._ask(lambda: self._context.mkdir(self._path(name), None, False), name)

    def mkdirs(self, name: str) -> None:
        """Make a folder and its parents; one that is there already is left as it is."""
        self._ask(lambda: self._files.mkdirs(self._path(name)), name)

    def make_private(self, name: str) -> None:
        """Make a folder that only its owner may use; one that is there becomes so."""
        self.mkdirs(name)
        permission = self._jvm.org.apache.hadoop.fs.permission.FsPermission("700")
        self._ask(lambda: self._files.setPermission(self._path(name), permission), name)

    def rename(self, source: str, target: str) -> None:
        """Rename without overwriting: one atomic step of the NameNode.

        Raises FileExistsError if `target` is there, FileNotFoundError if `source` or the target's
        folder is not. After a lost answer the retry raises one of the two although it worked: the
        caller must look at the target.
        """
        none = self._without_overwriting
        self._ask(
            lambda: self._context.rename(self._path(source), self._path(target), none),
            f"{source} -> {target}",
        )

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder; nothing happens if it is not there."""
        with suppress(FileNotFoundError):  # below a file
            self._ask(lambda: self._files.delete(self._path(name), True), name)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> "builtins.list[R]":
        """What `work` gives for each of the items, in their order. Several are at work at once, so
        that many files do not wait for one answer of the NameNode after the other."""
        waiting = [self._pool.submit(work, item) for item in items]
        wait(waiting)  # after an error too: nothing of this goes on behind the caller's back
        return [one.result() for one in waiting]

    def recover_leases(self, name: str) -> None:
        """Close the files below a folder that a dead writer left open, so that they can be read.

        HDFS does so by itself only when the writer's lease ends, after 20 minutes at the earliest.
        If a DataNode died with the writer, it is unknown until then how much of the last
        block counts. Raises ServiceUnreachable when the files are not readable within a minute.
        """
        folder = self._path(name)
        if not self._files.hasPathCapability(folder, "fs.capability.lease.recoverable"):
            return

        def below() -> "builtins.list[Any]":
            found, files = [], self._files.listFiles(folder, True)
            while files.hasNext():
                found.append(files.next().getPath())
            return found

        def close(path: Any) -> None:
            if not self._files.isFileClosed(path):
                try:
                    self._files.open(path).close()
                except Py4JJavaError:
                    self._files.recoverLease(path)
                    raise

        with suppress(FileNotFoundError):  # there is no such folder yet
            for path in self._ask(below, name):
                with suppress(FileNotFoundError):  # cleaned up meanwhile
                    self._ask(partial(close, path), str(path))

    def read_groups(self, groups: "builtins.list[builtins.list[str]]") -> RDD[bytes]:
        """The files' bytes, one task for each group, as consumers/output/java/partfiles/Groups.java
        describes."""
        paths = "\n\n".join("\n".join(f"{self.root}/{name}" for name in one) for one in groups)
        spark = SparkContext.getOrCreate()
        return RDD(self._jvm.partfiles.Groups.read(spark._jsc, paths), spark, NoOpSerializer())

    def write_parts(self, blobs: RDD[bytes], folder: str) -> "builtins.list[dict[str, Any]]":
        """Run the tasks and write what they yield into files of `folder`, as
        consumers/output/java/partfiles/PartFiles.java describes."""
        # the blobs cross as they are, not pickled
        blobs._jrdd_deserializer = NoOpSerializer()
        parts = self._part_files.write(blobs._jrdd, f"{self.root}/{folder}", self.forced)
        return [json.loads(part) for part in parts]

    def _ask(self, call: Callable[[], T], name: str) -> T:
        """Call the JVM; a clear answer becomes its Python error, anything else is tried again for a
        minute."""
        deadline, pause = time.monotonic() + _RETRY_S, 0.2
        while True:
            try:
                answer = call()
                self._answered = True
                return answer
            except Py4JJavaError as error:
                found = list(causes(error))
            clear = refusals.clear(found, f"{self.root}/{name}".rstrip("/"), self._answered)
            if clear is not None:
                raise clear
            if time.monotonic() > deadline:
                what = f"the file system does not answer: {': '.join(found[0])}"
                refused = refusals.login(found, self.root)
                raise refused or ServiceUnreachable(what, self.root, "scripts/services status")
            time.sleep(pause)
            pause = min(pause * 2, 5.0)


def _java() -> tuple[Any, Any]:
    """The JVM of this process, and py4j's gateway to it."""
    return SparkContext._jvm, SparkContext._gateway
