"""HDFS in twelve verbs, through the JVM's own Hadoop client, so that there is one set of addresses
and credentials.

Errors are Python's: FileExistsError, FileNotFoundError. What no retry can change is a ConfigError
at once; anything else is retried, then ServiceUnreachable.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.rdd import RDD
from pyspark.serializers import NoOpSerializer

from config.errors import ConfigError, ServiceUnreachable
from consumers.output import fail_points
from consumers.output.files import Entry

T = TypeVar("T")

_RETRY_S = 60.0  # a NameNode that restarts is back within it; the supervisor takes over after
_ADDRESS = "give an address like hdfs://HOST:PORT/PATH"
_RAISE = "remove what is not needed, or raise the limit; then start again, nothing is lost"
_QUOTA = ("HDFS's quota is used up", f"{_RAISE} (hdfs dfsadmin -setSpaceQuota, -setQuota)")
_ANSWERS: dict[str, type[Exception]] = {
    "FileAlreadyExistsException": FileExistsError,
    "FileNotFoundException": FileNotFoundError,
    "ParentNotDirectoryException": FileNotFoundError,
}
# What no retry and no restart changes, each with what it is and what to do.
_FULL = {
    "QuotaExceededException": _QUOTA,
    "QuotaByStorageTypeExceededException": _QUOTA,
    "MaxDirectoryItemsExceededException": (
        "HDFS takes no more entries into this folder",
        f"a new --output; or {_RAISE} (dfs.namenode.fs-limits.max-directory-items)",
    ),
}
_NEVER = {
    **_FULL,
    "AccessControlException": ("no permission on the output", "choose another output, or chown it"),
    "UnknownHostException": ("there is no such host", _ADDRESS),
    "UnsupportedFileSystemException": ("there is no such file system", _ADDRESS),
    "PathComponentTooLongException": (
        "HDFS takes no name as long as this",
        "choose a shorter --output",
    ),
    "InvalidPathException": ("HDFS takes no such path", _ADDRESS),
    "IllegalArgumentException": ("HDFS takes no such address", _ADDRESS),
}


class Storage:
    """The file system of `root`. All paths are below it and relative to it. Raises ConfigError
    where it is none of HDFS."""

    # part files are on the DataNodes' disks before they are published; benchmarks/durability.py
    # says what it costs
    forced = True

    def __init__(self, root: str) -> None:
        check_address(root)
        SparkContext._ensure_initialized()
        self._jvm: Any = SparkContext._jvm
        self.root = root
        hadoop = self._jvm.org.apache.hadoop.fs
        conf = self._jvm.org.apache.spark.deploy.SparkHadoopUtil.get().newConfiguration(
            SparkConf()._jconf
        )
        self._path = lambda name: hadoop.Path(f"{root}/{name}" if name else root)
        self._options = hadoop.Options.Rename
        self._files = self._ask(lambda: self._path("").getFileSystem(conf), "")
        self._context = self._ask(
            lambda: hadoop.FileContext.getFileContext(self._path("").toUri(), conf), ""
        )

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
            fail_points.visit(f"{name.rpartition('/')[2].strip('_').removesuffix('.json')} written")
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
        return self._ask(lambda: self._files.exists(self._path(name)), name)

    def mkdir(self, name: str) -> None:
        """Make a folder, or leave the one that is there. Raises FileNotFoundError where the folder
        above is not there."""
        self._ask(lambda: self._context.mkdir(self._path(name), None, False), name)

    def mkdirs(self, name: str) -> None:
        """Make a folder and its parents; one that is there already is left as it is."""
        self._ask(lambda: self._files.mkdirs(self._path(name)), name)

    def make_private(self, name: str) -> None:
        """Make a folder, or take one that is there, for its owner only."""
        self.mkdirs(name)
        permission = self._jvm.org.apache.hadoop.fs.permission.FsPermission("700")
        self._ask(lambda: self._files.setPermission(self._path(name), permission), name)

    def rename(self, source: str, target: str) -> None:
        """Rename without overwriting: one atomic step of the NameNode.

        Raises FileExistsError if `target` is there, FileNotFoundError if `source` or the target's
        folder is not. After a lost answer the retry raises one of the two although it worked:
        whoever calls must look at the target.
        """
        none = SparkContext._gateway.new_array(self._options, 1)  # type: ignore[union-attr]
        none[0] = self._options.NONE
        self._ask(
            lambda: self._context.rename(self._path(source), self._path(target), none),
            f"{source} -> {target}",
        )

    def delete(self, name: str) -> None:
        """Delete a file or a whole folder; nothing happens if it is not there."""
        with suppress(FileNotFoundError):  # below a file
            self._ask(lambda: self._files.delete(self._path(name), True), name)

    def recover_leases(self, name: str) -> None:
        """Have HDFS close those files below a folder that a dead writer left open and nobody can
        read.

        So it is when their DataNode died too: it does not know how much of the last block counts,
        and asks nobody before the writer's lease ends, in 20 minutes at the earliest. Raises
        ServiceUnreachable when they are not readable in a minute.
        """
        folder = self._path(name)
        if not self._files.hasPathCapability(folder, "fs.capability.lease.recoverable"):
            return

        def below() -> "list[Any]":
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
                    self._ask(lambda path=path: close(path), str(path))

    def write_parts(self, blobs: RDD[bytes], folder: str) -> "list[dict[str, Any]]":
        """Run the tasks and write what they yield into files of `folder`, as
        consumers/java/partfiles describes."""
        blobs._jrdd_deserializer = NoOpSerializer()  # the blobs cross as they are, not pickled
        parts = self._jvm.partfiles.PartFiles.write(
            blobs._jrdd, f"{self.root}/{folder}", self.forced
        )
        return [json.loads(part) for part in parts]

    def _ask(self, call: Callable[[], T], name: str) -> T:
        """Call the JVM; a clear answer becomes its Python error, anything else is tried again for a
        minute."""
        deadline, pause = time.monotonic() + _RETRY_S, 0.2
        while True:
            try:
                return call()
            except Py4JJavaError as error:
                kind, text = _answer(error)
                refused = _refused(error, _NEVER, f"{self.root}/{name}".rstrip("/"))
            if kind is not None:
                raise kind(f"{self.root}/{name}")
            if refused is not None:
                raise refused
            if time.monotonic() > deadline:
                raise ServiceUnreachable(
                    f"the file system does not answer: {text}", self.root, "scripts/services status"
                )
            time.sleep(pause)
            pause = min(pause * 2, 5.0)


def check_address(root: str) -> None:
    """Raises ConfigError unless it is hdfs://HOST[:PORT]/PATH: no other file system has the rename
    and the fence we stand on."""
    parts = urlsplit(root)
    wrong = (
        f"{parts.scheme or 'an address without a scheme'} is not HDFS"
        if parts.scheme != "hdfs"
        else "the address names no host"
        if not parts.netloc
        else "the address names no folder"
        if not parts.path.strip("/")
        else ""
    )
    if wrong:
        raise ConfigError(wrong, root, _ADDRESS)


def refusal(error: Py4JJavaError) -> ConfigError | None:
    """That HDFS has no room by its own limits, if the error says so: any call may find that, a
    task's too."""
    return _refused(error, _FULL)


def _refused(
    error: Py4JJavaError, known: Mapping[str, tuple[str, str]], where: str = ""
) -> ConfigError | None:
    for name, text in _causes(error):
        for answer, (what, remedy) in known.items():
            if name.endswith(answer):
                return ConfigError(f"{what}: {text}", where, remedy)
    return None


def _answer(error: Py4JJavaError) -> tuple[type[Exception] | None, str]:
    """The Python error for the first cause that has one, and the innermost message."""
    text = str(error.java_exception)
    for name, text in _causes(error):
        if name.endswith("AccessControlException") and text.endswith("(is not a directory)"):
            # HDFS's answer below a file, such as the one that fences a driver off
            return FileNotFoundError, text
        for known, kind in _ANSWERS.items():
            if name.endswith(known):
                return kind, text
    return None, text


def _causes(error: Py4JJavaError) -> "Iterator[tuple[str, str]]":
    """The class and the message's first line of each exception, from the outermost to the cause of
    all."""
    cause = error.java_exception
    while cause is not None:
        name = (
            cause.getClass().getName()
            if cause.getClass().getSimpleName() != "RemoteException"
            else cause.getClassName()
        )
        yield name, (cause.getMessage() or name).splitlines()[0]
        cause = cause.getCause()
