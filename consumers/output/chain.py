"""The published batches of an output: numbered without a gap, a thousand in each shard, counted in
three calls.

batches/<shard>/<seq>/   one batch, published and immutable
_seen/<n>-<identity>     a folder, named after the number of batches when a driver started: if
                         there are fewer later, some were deleted
"""

from contextlib import suppress
from typing import NamedTuple

from config.errors import ConfigError, DataLossRisk
from consumers.output import manifests
from consumers.output.files import Files
from consumers.output.manifests import Manifest, OtherVersion

# batches in a folder: HDFS allows one 1,048,576 entries and lists a thousand in one answer
SHARD = 1000


class Tip(NamedTuple):
    """Where the chain ends: the number of the next batch, the last batch's manifest, and its hash.
    An output without batches has neither of the two."""

    seq: int
    manifest: Manifest | None
    digest: str | None


def shard(seq: int) -> str:
    """The folder of the batches around this number."""
    return f"batches/{seq // SHARD:07d}"


def folder(seq: int) -> str:
    """Where the batch of this number is published."""
    return f"{shard(seq)}/{seq:010d}"


def published(files: Files, seq: int) -> bool:
    """Whether there is a batch of this number."""
    return files.exists(folder(seq))


def tip(files: Files, identity: str) -> Tip:
    """Where the chain ends now. Raises DataLossRisk if batches have been removed, or if the last
    batch belongs to another output."""
    seq = length(files, identity)
    if not seq:
        return Tip(0, None, None)
    last, data = manifest(files, seq - 1)
    if last.identity != identity:
        what = f"the last batch belongs to the output {last.identity}, this one is {identity}"
        where = f"{files.root}/{folder(seq - 1)}"
        raise DataLossRisk(what, where, "scripts/audit.py shows what is there")
    return Tip(seq, last, manifests.digest(data))


def length(files: Files, identity: str) -> int:
    """How many batches there are. Raises DataLossRisk if batches have been removed."""
    seen = max(_seen(files, identity), default=0)  # first: the batches can only become more
    found = files.list("batches")
    # An empty shard was made by a driver that died, or lost the race for its first batch.
    shards = {
        int(name): entry.entries
        for name, entry in found.items()
        if name.isdecimal() and entry.entries
    }
    last = max(shards, default=0)
    numbers = _numbers(files, last) if shards else set()
    held = max(seen, max(numbers, default=last * SHARD) + 1) if shards else seen
    short = next((number for number in range(last) if shards.get(number, 0) < SHARD), last)
    if short < last:
        numbers = _numbers(files, short)
    seq = next(seq for seq in range(short * SHARD, held + 1) if seq not in numbers)
    if seq < held:
        what = f"batch {seq} is missing: {held} batches have been published"
        remedy = (
            "restore it from a snapshot or from the trash; scripts/audit.py shows what is there"
        )
        raise DataLossRisk(what, f"{files.root}/{folder(seq)}", remedy)
    return seq


def _numbers(files: Files, number: int) -> set[int]:
    return {int(name) for name in files.list(shard(number * SHARD)) if name.isdecimal()}


def remember(files: Files, identity: str, length: int) -> None:
    """Record the number of batches, and remove the records of smaller numbers."""
    before = _seen(files, identity)
    # the output has just been moved away: the next batch will say so
    with suppress(FileNotFoundError):
        # a folder, since its name is there at once and whole
        files.mkdir(f"_seen/{length}-{identity}")
    for fewer in before:
        if fewer < length:
            files.delete(f"_seen/{fewer}-{identity}")


def _seen(files: Files, identity: str) -> list[int]:
    """The numbers that drivers of this output recorded. A driver that did not know yet that another
    output was in its output's place recorded its number there."""
    records = [name.partition("-") for name in files.list("_seen")]
    return [int(number) for number, _, of in records if of == identity]


def manifest(files: Files, seq: int) -> tuple[Manifest, bytes]:
    """A batch's manifest and its bytes. Raises ConfigError for a manifest of another version,
    DataLossRisk where none can be read."""
    path = f"{folder(seq)}/_manifest.json"
    try:
        data = files.read(path)
        return Manifest.from_bytes(data), data
    except OtherVersion as error:
        what = f"another version of this program made the output: {error}"
        raise ConfigError(what, f"{files.root}/{path}", "use that version") from None
    except (FileNotFoundError, ValueError) as error:
        where = f"{files.root}/{path}"
        raise DataLossRisk(
            f"the chain is broken: {error}", where, "scripts/audit.py shows what is there"
        ) from None
