"""What is to be erased: the tombstones that are in the units, and lists of ids that an operator
gives, each with who wants it and why.

    units/<unit>/tombstones.parquet   id and coordinates of each deletion in the unit
    erasures/<hash>.json              one list: its ids, its words, its time
    _compactor/looked.json            up to where all units have been searched
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from config.errors import ConfigError
from consumers.output.files import Files
from consumers.output.ownership import now
from consumers.output.units import Unit
from units import rows
from units.tasks import Deletion

FOLDER, LOOKED = "erasures", "_compactor/looked.json"
TOMBSTONES = pa.schema(
    [
        ("id", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.int64()),
    ]
)
ERASED = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("reason", pa.string()),
        ("deleted_at", pa.int64()),
        ("erased_at", pa.int64()),
    ]
)


def ms(time: str) -> int:
    """A manifest's time in ms since 1970."""
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1000)


class Looked(NamedTuple):
    """Up to which batch's tombstones, and for which lists, all units have been searched."""

    until: int = 0
    lists: frozenset[str] = frozenset()
    time: str = ""


def looked(files: Files) -> Looked:
    """What the last search noted; nothing where it did not come to its end: then all is searched
    again."""
    try:
        content = json.loads(files.read(LOOKED))
        return Looked(content["until"], frozenset(content["lists"]), content["time"])
    except (FileNotFoundError, ValueError, KeyError):
        return Looked()


def note(files: Files, until: int, lists: Iterable[str]) -> None:
    """Note that all units have been searched for these."""
    content = {"until": until, "lists": sorted(lists), "time": now()}
    files.create(LOOKED, json.dumps(content).encode(), overwrite=True)


def tombstones(files: Files, units: Iterable[Unit]) -> dict[str, Deletion]:
    """The deletions in these units, by id; of several the last."""
    found: dict[str, Deletion] = {}
    for unit in units:
        with suppress(FileNotFoundError):  # a unit without deletions, or one that has just gone
            table = rows.read(files.read(f"{unit.folder}/tombstones.parquet"))
            for one in table.to_pylist():
                if one["id"]:
                    at = f"{one['topic']}[{one['partition']}] {one['offset']}"
                    new = Deletion(one["timestamp"], f"tombstone {at}")
                    found[one["id"]] = max(found.get(one["id"], new), new)
    return found


def names(files: Files) -> list[str]:
    """The lists that are there."""
    return sorted(name for name in files.list(FOLDER) if name.endswith(".json"))


def listed(files: Files, chosen: Iterable[str]) -> dict[str, Deletion]:
    """The deletions of these lists, by id."""
    found: dict[str, Deletion] = {}
    for name in chosen:
        content = json.loads(files.read(f"{FOLDER}/{name}"))
        new = Deletion(ms(content["time"]), f"list {name.removesuffix('.json')}")
        found |= {id: max(found.get(id, new), new) for id in content["ids"]}
    return found


def publish(files: Files, ids: list[str], because: str) -> str:
    """Make a list of these ids part of the output; gives its name. The same list is published
    once."""
    text = json.dumps([because, ids], ensure_ascii=False).encode()
    name = f"{hashlib.sha256(text).hexdigest()[:16]}.json"
    content = {"because": because, "time": now(), "ids": ids}
    files.mkdirs(FOLDER)
    files.create(f"{FOLDER}/{name}.new", json.dumps(content).encode(), overwrite=True)
    try:
        files.rename(f"{FOLDER}/{name}.new", f"{FOLDER}/{name}")
    except (FileExistsError, FileNotFoundError):  # there already, or the answer was lost
        if not files.exists(f"{FOLDER}/{name}"):
            raise
        files.delete(f"{FOLDER}/{name}.new")
    return name


def ids_in(path: str) -> list[str]:
    """The ids in a file: one on each line, or the JSON lines of X's batch compliance, of which
    those count that it says are gone. Raises ConfigError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list cannot be read: {error}", path, "check --erase-ids") from None
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if word.startswith("{"):
            word = _compliance(word, f"{path}:{number}")
        if any(sign.isspace() for sign in word):
            raise ConfigError(f"{word[:40]!r} is no id", f"{path}:{number}", "one id per line")
        if word:
            found[word] = None
    if not found:
        raise ConfigError("the list has no id", path, "one id per line")
    return list(found)


def _compliance(line: str, where: str) -> str:
    """docs.x.com, batch compliance: {"id", "action": "delete", "reason": "deleted", …}; an edit or
    a place without its point is no deletion."""
    try:
        content: Any = msgspec.json.decode(line)
        return str(content["id"]) if content.get("action") == "delete" else ""
    except (msgspec.DecodeError, KeyError, AttributeError, TypeError) as error:
        what = f"this is no line of X's batch compliance: {error!r}"
        raise ConfigError(what, where, "give its result file as it came") from None
