"""Files of an HDFS with Kerberos, by HDFS's own protocol: pip's client of WebHDFS would want a C
compiler for that. The calls and the errors are that client's: the readers see no difference.
"""

import getpass
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from hdfs import InsecureClient
from hdfs.util import HdfsError

from config import kerberos
from config.errors import ConfigError, CredentialsError, ServiceUnreachable

TIMEOUT_S = 30
# of a NameNode that is away: some seconds
_ATTEMPTS = {"dfs.client.failover.max.attempts": "4"}


def client(output: str, webhdfs: str) -> Any:
    """A client for the files of this output; `webhdfs` is where a plain HDFS answers http."""
    if kerberos.asked_for():
        return Kerberized(output)
    return InsecureClient(webhdfs, user=getpass.getuser(), timeout=TIMEOUT_S)


class Kerberized:
    """Each call raises HdfsError, CredentialsError, ConfigError or ServiceUnreachable."""

    def __init__(self, output: str) -> None:
        from hdfs_native import Client  # here alone: it loads the system's library of Kerberos

        environ = os.environ
        principal, keytab = kerberos.checked(
            environ.get("TWEETS_PRINCIPAL", ""), environ.get("TWEETS_KEYTAB", "")
        )
        host = urlsplit(output).netloc
        self._who = principal or "the ticket"
        with self._asking(output):
            self._client = Client(
                f"hdfs://{host}" if host else None,
                _ATTEMPTS,
                environ["HADOOP_CONF_DIR"],
                kerberos_principal=principal or None,
                kerberos_keytab=keytab or None,
            )

    def status(self, path: str, strict: bool = True) -> Any:
        """What is at this path; None, unless `strict`, where there is nothing."""
        try:
            with self._asking(path):
                return self._client.get_file_info(path)
        except HdfsError as error:
            if strict or error.exception != "FileNotFoundException":
                raise
            return None

    def list(self, path: str) -> list[str]:
        """The names in a folder."""
        with self._asking(path):
            return [found.path.rpartition("/")[2] for found in self._client.list_status(path)]

    def read(self, path: str) -> io.BytesIO:
        """A whole file, to be read from memory."""
        with self._asking(path):
            return io.BytesIO(self._client.read(path).read())

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise HdfsError(path, exception="FileNotFoundException") from None
        except (OSError, RuntimeError) as error:
            raise self._meant(error, path) from None

    def _meant(self, error: Exception, path: str) -> Exception:
        said = str(error)
        if "AccessControlException" in said:
            what = f"{self._who} has no permission on HDFS"
            return ConfigError(what, path, "have its owner let you read, or log in as another user")
        if "KDC" in said:
            what = "the KDC does not answer, or is not known"
            return ServiceUnreachable(what, self._who, "check KRB5_CONFIG, then start again")
        if "GSSAPIError" in said or "SASL" in said.upper():
            what = f"HDFS does not accept the login: {_reason(said)}"
            return CredentialsError(what, path, "set TWEETS_PRINCIPAL and TWEETS_KEYTAB, or kinit")
        other: Exception = HdfsError(said)
        return other


def _reason(said: str) -> str:
    """The sentence in what the library says."""
    return max(said.split('"'), key=len)[:200]
