"""Can the jobs' output be written: sends a small file through WebHDFS to the DataNode that the
NameNode names, and removes it."""

import getpass
import json
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import quote, urlsplit

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from config.shared import WEBHDFS_PORT

TIMEOUT_S = 10.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Nothing: the redirect to the DataNode is what is looked at."""


class Output:
    """The output `hdfs://host:port/path`, reached over `webhdfs` (http://host:port; empty is the
    default port of WebHDFS on the output's host)."""

    def __init__(self, output: str, webhdfs: str) -> None:
        parts = urlsplit(output)
        if parts.scheme != "hdfs" or not parts.hostname:
            raise ConfigError(
                "not an HDFS address", output, "set --output to hdfs://host:8020/path"
            )
        self._base = (webhdfs or f"http://{parts.hostname}:{WEBHDFS_PORT}").rstrip(
            "/"
        ) + "/webhdfs/v1"
        self._path = parts.path.rstrip("/")
        self._open = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({})).open

    def write(self) -> str:
        """Writes, and deletes. Raises ServiceUnreachable, ConfigError."""
        folder = self._nearest()
        file = f"{folder}/_check-{uuid.uuid4().hex}"
        location = self._ask("PUT", file, "CREATE", "&overwrite=false").headers.get("Location", "")
        datanode = urlsplit(location).netloc
        if not datanode:
            raise PipelineError(
                "the NameNode names no DataNode to write to", self._base, "scripts/services status"
            )
        try:
            request = urllib.request.Request(location, data=b"a check\n", method="PUT")
            request.add_header("Content-Type", "application/octet-stream")
            self._open(request, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            raise self._refused(error, datanode) from None
        except OSError as error:
            what = (
                f"the NameNode sends writers to {datanode}, which is not reached from here "
                f"({_why(error)})"
            )
            raise ServiceUnreachable(
                what, self._base, "correct dfs.datanode.hostname, or make that name resolve here"
            ) from None
        finally:
            self._ask("DELETE", file, "DELETE")
        return f", written to {folder or '/'} by way of {datanode}"

    def _nearest(self) -> str:
        """The output's folder, or the nearest above it that exists."""
        path = self._path
        while path:
            try:
                self._ask("GET", path, "GETFILESTATUS")
                return path
            except FileNotFoundError:
                path = path.rpartition("/")[0]
        return ""

    def _ask(self, method: str, path: str, operation: str, more: str = "") -> Any:
        url = f"{self._base}{quote(path)}?op={operation}{more}&user.name={quote(getpass.getuser())}"
        try:
            return self._open(urllib.request.Request(url, method=method), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code == 307:
                return error
            if error.code == 404:
                raise FileNotFoundError(path) from None
            raise self._refused(error, path or "/") from None
        except OSError as error:
            remedy = "start HDFS (scripts/services start), or set --output, --webhdfs"
            raise ServiceUnreachable(
                f"the NameNode's WebHDFS does not answer: {_why(error)}", self._base, remedy
            ) from None

    def _refused(self, error: urllib.error.HTTPError, where: str) -> PipelineError:
        try:
            why = json.load(error)["RemoteException"]["message"].splitlines()[0][:200]
        except (ValueError, KeyError, IndexError, TypeError):
            why = str(error.reason)
        if error.code == 403 and "safe mode" not in why.lower():
            return ConfigError(
                f"no permission on the output: {why}",
                where,
                "have its owner let you write, or set --output",
            )
        return ServiceUnreachable(
            f"HDFS does not take the file: {why}", where, "scripts/services status"
        )


def _why(error: OSError) -> str:
    return str(error.reason if isinstance(error, urllib.error.URLError) else error)
