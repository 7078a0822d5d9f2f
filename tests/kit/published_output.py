"""Outputs as the jobs publish them, by the commit protocol itself, without Spark: in memory or onto
a real HDFS by WebHDFS."""

import getpass
import gzip
import json
import time
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import requests

from consumers.output import chain
from consumers.output.commits import Batch, Output, Stage
from consumers.output.files import Entry
from consumers.output.manifests import Manifest
from consumers.output.ownership import Ownership
from consumers.output.units import Unit, UnitManifest
from consumers.sentiment import Sentiment
from consumers.tweets.parse import Rejected, row
from consumers.tweets.row import Deleted, Tweet
from tests.kit.memory_files import MemoryFiles

TOPIC, PARTITIONS = "tweets", 3
PLACES = ((51.5, -0.1), (48.9, 2.4), (-18.1, 178.4), (35.7, 139.7), (-33.9, 151.2), (40.7, -74.0))
_ERRORS = {"FileAlreadyExistsException": FileExistsError}
Record = Tweet | Deleted | Rejected


class WebhdfsFiles:
    """The verbs of consumers/output/storage.py over WebHDFS; `root` is a path."""

    def __init__(self, webhdfs: str, root: str) -> None:
        self.root, self._base, self._session = root, f"{webhdfs}/webhdfs/v1", requests.Session()

    def _ask(self, method: str, name: str, data: bytes | None = None, **query: Any) -> Any:
        query |= {"user.name": getpass.getuser()}
        path = f"{self._base}{self.root}/{name}".rstrip("/")
        answer = self._session.request(method, path, params=query, data=data, timeout=60)
        if not answer.ok:
            said = answer.json()["RemoteException"]
            raise _ERRORS.get(said["exception"], FileNotFoundError)(said["message"])
        return answer

    def create(self, name: str, data: bytes, overwrite: bool = False) -> None:
        self._ask("PUT", name, data, op="CREATE", overwrite=str(overwrite).lower())

    def read(self, name: str) -> bytes:
        return bytes(self._ask("GET", name, op="OPEN").content)

    def list(self, name: str, after: str = "") -> dict[str, Entry]:
        try:
            found = self._ask("GET", name, op="LISTSTATUS").json()["FileStatuses"]["FileStatus"]
        except FileNotFoundError:
            return {}
        return {
            entry["pathSuffix"]: Entry(
                entry["type"] == "DIRECTORY", entry["fileId"], entry["childrenNum"]
            )
            for entry in found
            if entry["pathSuffix"] > after
        }

    def exists(self, name: str) -> bool:
        try:
            return bool(self._ask("GET", name, op="GETFILESTATUS"))
        except FileNotFoundError:
            return False

    def mkdir(self, name: str) -> None:
        self._ask("PUT", name, op="MKDIRS")

    mkdirs = mkdir

    def rename(self, source: str, target: str) -> None:
        target = f"{self.root}/{target}"
        self._ask("PUT", source, op="RENAME", destination=target, renameoptions="NONE")

    def delete(self, name: str) -> None:
        self._ask("DELETE", name, op="DELETE", recursive="true")

    each = staticmethod(MemoryFiles.each)


class FromFiles:
    """What views/reading.py gives, from files of any kind."""

    output = "memory"

    def __init__(self, files: Any) -> None:
        self.files = files

    def manifest(self, seq: int) -> tuple[Manifest, bytes] | None:
        try:
            data = self.data(f"{chain.folder(seq)}/_manifest.json")
        except FileNotFoundError:
            return None
        return Manifest.from_bytes(data), data

    def unit(self, unit: Unit) -> UnitManifest:
        return UnitManifest.from_bytes(self.data(f"{unit.folder}/_manifest.json"))

    def length(self) -> int:
        return chain.span(self.files, json.loads(self.files.read("_identity.json"))["identity"])[1]

    def names(self, folder: str) -> list[str]:
        return sorted(self.files.list(folder))

    def data(self, name: str) -> bytes:
        return bytes(self.files.read(name))

    def blocks(self, seq: int, path: str) -> Iterator[bytes]:
        yield gzip.decompress(self.files.read(f"{chain.folder(seq)}/{path}"))


def opened(files: Any, approach: str = "direct") -> Output:
    """A driver of this approach that has just started."""
    offsets = {(TOPIC, partition): (0, 10**9) for partition in range(PARTITIONS)}
    return Output.take_over(Ownership.claim(files, approach), "vader", {TOPIC: "id"}, offsets)


def publish(output: Output, records: Iterable[Record], partition: int = 0) -> Manifest:
    """Publish one batch of these records, of one partition."""
    start = output.covered.get((TOPIC, partition), [(0, 0)])[-1][1]
    lines: dict[str, list[bytes]] = {"tweets": [], "rejected": []}
    counts, until, now_ms = {"tweets": 0, "deleted": 0, "rejected": 0}, start, time.time() * 1000
    for until, record in enumerate(records, start):
        sentiment = record.sentiment if isinstance(record, Tweet) else None
        kind = type(record).__name__.lower().replace("tweet", "tweets")
        counts[kind] += 1
        line = row(TOPIC, partition, until, int(now_ms) - 1500, record, sentiment)
        lines["rejected" if kind == "rejected" else "tweets"].append(line + b"\n")
    stage = output.stage()
    files = pack(output, stage, lines, partition)
    return output.publish(stage, Batch([(TOPIC, partition, start, until + 1)], counts, files))


def pack(
    output: Output, stage: Stage, lines: dict[str, list[bytes]], partition: int
) -> list[dict[str, Any]]:
    """What a task writes of these lines."""
    files = []
    for kind, written in lines.items():
        if written:
            data, name = gzip.compress(b"".join(written)), f"{kind}-{partition:05d}-0.json.gz"
            output.files.create(f"{stage.parts}/{name}", data)
            files.append({"kind": kind, "name": name, "bytes": len(data), "records": len(written)})
    return files


def tweet(number: int, dice: Random, **fields: Any) -> Tweet:
    """An invented tweet; about one in four has a place. `fields` are those of the row."""
    compound = round(dice.uniform(-1, 1), 4)
    label = "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"
    lat, lon = dice.choice(PLACES) if dice.random() < 0.25 else (None, None)
    known = {
        "id": str(1_860_000_000_000_000_000 + number),
        "created_at": f"2026-11-{1 + number // 1440 % 25:02d}T"
        f"{number // 60 % 24:02d}:{number % 60:02d}:07.000Z",
        "lang": dice.choice(("en", "en", "es", "ja")),
        "author_id": str(number % 97),
        "author": f"invented_{number % 97}",
        "hashtags": ["coffee"] * (number % 3 == 0) + [f"tag{number % 50}"] * (number % 5 == 0),
        "lat": lat,
        "lon": lon,
        "geo_kind": None if lat is None else dice.choice(("point", "place")),
        "country": None if lat is None else "GB",
        "text": dice.choice(("A good, calm day", "A terrible queue again", "Trains at nine")),
        "sentiment": Sentiment(compound, 0.1, 0.8, 0.1, label),
    }
    return Tweet(**{**known, **fields})


def records(dice: Random, first: int, count: int) -> list[Record]:
    """Invented tweets, with a deletion and a rejected record among them now and then."""
    out: list[Record] = []
    for number in range(first, first + count):
        if dice.random() < 0.02 and number:
            out.append(Deleted(id=str(1_860_000_000_000_000_000 + dice.randrange(number))))
        elif dice.random() < 0.02:
            out.append(Rejected(key=str(number), reason="not_json", raw=b"{"))
        else:
            out.append(tweet(number, dice))
    return out
