"""The published batches of one output, by number: hardly anything is listed.

Batches are numbered without a gap, so that the next one is asked for by its name and the newest one
is found by doubling and bisection. The first ones may have been removed: units have them.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from hdfs.util import HdfsError
from isal import igzip
from requests import RequestException
from urllib3.exceptions import HTTPError

from config.errors import ConfigError, DataLossRisk, ServiceUnreachable
from config.shared import WEBHDFS_PORT
from consumers.output import chain
from consumers.output.manifests import Manifest, OtherVersion
from consumers.output.units import Unit, UnitManifest
from views.kerberized import client

BLOCK_BYTES = 4_000_000
"""How much of an unpacked file is in memory at a time."""


class Published:
    """The batches of `output` (hdfs://HOST:PORT/PATH); `webhdfs` is where WebHDFS answers.

    Raises ConfigError for an address of another form. Each method raises ServiceUnreachable when
    HDFS does not answer.
    """

    def __init__(self, output: str, webhdfs: str = "") -> None:
        parts = urlsplit(output)
        webhdfs = webhdfs or os.environ.get("TWEETS_WEBHDFS", "")
        if not parts.path.strip("/") or not (parts.hostname or webhdfs):
            raise ConfigError(
                "this is not an output's address", output, "give hdfs://HOST:PORT/PATH"
            )
        self.output, self.path = output, parts.path.rstrip("/")
        self.webhdfs = webhdfs or f"http://{parts.hostname}:{WEBHDFS_PORT}"
        self._client = client(output, self.webhdfs)

    def manifest(self, seq: int) -> tuple[Manifest, bytes] | None:
        """The manifest of a batch and its bytes; None while there is no such batch.

        Raises ConfigError where another version wrote it, DataLossRisk where it is not a
        manifest.
        """
        path = f"{self.path}/{chain.folder(seq)}/_manifest.json"
        with self._asking(path):
            try:
                with self._client.read(path) as reader:
                    data = reader.read()
            except HdfsError as error:
                if error.exception != "FileNotFoundException":
                    raise
                return None
        with sound(path):
            return Manifest.from_bytes(data), data

    def unit(self, unit: Unit) -> UnitManifest:
        """The manifest of a unit's revision. Raises FileNotFoundError where it was replaced, else
        what `manifest` raises."""
        path = f"{unit.folder}/_manifest.json"
        data = self.data(path)
        with sound(f"{self.path}/{path}"):
            return UnitManifest.from_bytes(data)

    def length(self, known: int = 0) -> int:
        """The number of batches that were published, at least `known` of them: found by about
        2 x log2 of those behind it requests. Only where that batch is no longer there, the first
        one that is there is looked for in the folders."""
        low = max(known - 1, 0)
        if not self.there(low):
            low = self.first()
            if not self.there(low):
                return 0
        step = 1
        while self.there(low + step):
            low, step = low + step, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.there(middle) else (low, middle)
        return high

    def first(self) -> int:
        """The number of the first batch that is there; 0 where there is none."""
        for shard in self.names("batches"):
            for name in self.names(f"batches/{shard}"):
                return int(name)
        return 0

    def names(self, folder: str) -> list[str]:
        """The names in a folder of the output, sorted; none where it is not there."""
        path = f"{self.path}/{folder}"
        with self._asking(path):
            there = self._client.status(path, strict=False) is not None
            return sorted(self._client.list(path)) if there else []

    def data(self, name: str) -> bytes:
        """A file of the output. Raises FileNotFoundError."""
        path = f"{self.path}/{name}"
        with self._asking(path):
            try:
                with self._client.read(path) as reader:
                    return bytes(reader.read())
            except HdfsError as error:
                if error.exception != "FileNotFoundException":
                    raise
        raise FileNotFoundError(path)

    def blocks(self, seq: int, path: str) -> Iterator[bytes]:
        """The unpacked bytes of a batch's file, in blocks of whole lines."""
        where, rest = f"{self.path}/{chain.folder(seq)}/{path}", b""
        with self._asking(where), self._client.read(where) as reader:
            unpacked = igzip.IGzipFile(fileobj=reader)  # type: ignore[no-untyped-call]
            while block := unpacked.read(BLOCK_BYTES):
                whole = block.rfind(b"\n") + 1
                if whole:
                    yield rest + block[:whole]
                    rest = block[whole:]
                else:
                    rest += block
        if rest:
            yield rest

    def there(self, seq: int) -> bool:
        """Whether the batch was published and no unit has replaced it yet."""
        path = f"{self.path}/{chain.folder(seq)}"
        with self._asking(path):
            return self._client.status(path, strict=False) is not None

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            yield
        except (HdfsError, RequestException, HTTPError) as error:
            raise ServiceUnreachable(
                f"HDFS does not answer ({type(error).__name__})",
                f"{self.webhdfs}{path}",
                "scripts/services status",
            ) from None
        except (EOFError, zlib.error, OSError, igzip.BadGzipFile) as error:
            raise DataLossRisk(
                f"the file cannot be unpacked: {error}",
                path,
                "scripts/audit.py says what is wrong",
            ) from None


@contextmanager
def sound(path: str) -> Iterator[None]:
    """Raises ConfigError for what another version wrote, DataLossRisk for what is damaged."""
    try:
        yield
    except OtherVersion as error:
        what = f"another version of this program made the output: {error}"
        raise ConfigError(what, path, "use that version") from None
    except ValueError as error:
        raise DataLossRisk(str(error), path, "scripts/audit.py shows what is there") from None
