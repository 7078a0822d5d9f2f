"""What the audit asks of an HDFS with Kerberos, by HDFS's own protocol: pip's client of WebHDFS
would want a C compiler for that. The calls and the errors are that client's."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hdfs.util import HdfsError

from audit.access import Refused

# of a NameNode that is away: some seconds
ATTEMPTS = {"dfs.client.failover.max.attempts": "4"}
Row = tuple[str, dict[str, Any]]
Rows = list[Row]
Walked = tuple[tuple[str, None], None, Rows]


def asked_for() -> bool:
    """Whether Hadoop's configuration says that HDFS wants Kerberos. Raises Refused for a
    core-site.xml that is no XML."""
    file = Path(os.environ.get("HADOOP_CONF_DIR", ""), "core-site.xml")
    if not os.environ.get("HADOOP_CONF_DIR") or not file.is_file():
        return False
    try:
        rows = ET.parse(file).getroot().iter("property")
        found = {row.findtext("name"): row.findtext("value") or "" for row in rows}
    except ET.ParseError as error:
        raise Refused(f"{file} is not XML: {error}", 2) from None
    return found.get("hadoop.security.authentication", "").strip().lower() == "kerberos"


class Kerberized:
    """The files of `output`'s HDFS, as `principal` by its keytab, or with kinit's ticket where both
    are empty. Raises Refused, HdfsError."""

    def __init__(self, output: str, principal: str, keytab: str) -> None:
        from hdfs_native import Client  # here alone: it loads the system's library of Kerberos

        if bool(principal) != bool(keytab):
            raise Refused("--principal and --keytab go together", 2)
        if keytab and not Path(keytab).is_file():
            raise Refused(f"--keytab: there is no file {keytab}", 2)
        if keytab and Path(keytab).stat().st_mode & 0o077:
            raise Refused(f"others than its owner may read {keytab}: chmod 400 it", 5)
        host = urlsplit(output).netloc
        with _asking():
            self._client = Client(
                f"hdfs://{host}" if host else None,
                ATTEMPTS,
                os.environ["HADOOP_CONF_DIR"],
                kerberos_principal=principal or None,
                kerberos_keytab=str(Path(keytab).absolute()) if keytab else None,
            )

    def status(self, path: str, strict: bool = True) -> Any:
        """What is at this path; None, unless `strict`, where there is nothing."""
        try:
            with _asking():
                return self._client.get_file_info(path)
        except HdfsError as error:
            if strict or error.exception != "FileNotFoundException":
                raise
            return None

    def list(self, path: str, status: bool) -> Rows:
        """The names in a folder, each with its `type` and `length`."""
        assert status, "the audit asks for nothing else"
        with _asking():
            return [_row(found) for found in self._client.list_status(path)]

    def content(self, path: str) -> dict[str, int]:
        """The `fileCount` and the `length` of all that is below."""
        with _asking():
            found = self._client.get_content_summary(path)
        return {"fileCount": found.file_count, "length": found.length}

    def walk(self, path: str, status: bool) -> Iterator[Walked]:
        """Each folder from here on, with the files in it."""
        rows = self.list(path, status)
        yield (path, None), None, [row for row in rows if row[1]["type"] == "FILE"]
        for name, found in rows:
            if found["type"] == "DIRECTORY":
                yield from self.walk(f"{path}/{name}", status)

    @contextmanager
    def read(self, path: str, chunk_size: int) -> Iterator[Iterator[bytes]]:
        """A file in pieces of `chunk_size` bytes."""
        with _asking():
            reader = self._client.read(path)
            yield iter(lambda: reader.read(chunk_size), b"")


def _row(found: Any) -> Row:
    kind = "DIRECTORY" if found.isdir else "FILE"
    return found.path.rpartition("/")[2], {"type": kind, "length": found.length}


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise HdfsError(str(error), exception="FileNotFoundException") from None
    except RuntimeError as error:
        said = str(error)
        if "AccessControlException" in said:
            raise Refused(f"HDFS gives no permission: {said.splitlines()[0][:200]}", 2) from None
        if "KDC" not in said and ("GSSAPIError" in said or "SASL" in said.upper()):
            reason = max(said.split('"'), key=len)[:200]
            what = f"HDFS does not accept the login ({reason}): --principal and --keytab, or kinit"
            raise Refused(what, 5) from None
        raise HdfsError(said[:500]) from None
