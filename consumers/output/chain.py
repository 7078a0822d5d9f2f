"""The published batches of an output: numbered without a gap, a thousand in each shard, counted in
three calls.

batches/<shard>/<seq>/   one batch, published and immutable; removed, the lowest first and never the
                         newest, some hours after a unit has it (consumers/output/units.py)
_seen/<n>-<identity>     a folder, named after the number of batches when a driver started: if
                         there are fewer later, some were deleted
"""

from contextlib import suppress
from typing import NamedTuple

from config.errors import ConfigError, DataLossRisk
from consumers.output import manifests, units
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
    """How many batches have been published, those included that units have replaced. Raises
    DataLossRisk if others have been removed."""
    return span(files, identity)[1]


def span(files: Files, identity: str) -> tuple[int, int]:
    """The number of the first batch that is there, and how many have been published. Raises
    DataLossRisk if batches have been removed that are in no unit."""
    seen = max(_seen(files, identity), default=0)  # first: the batches can only become more
    # An empty shard was made by a driver that died, or lost the race for its first batch; or its
    # batches have just been removed.
    shards = {
        int(name): entry.entries
        for name, entry in files.list("batches").items()
        if name.isdecimal() and entry.entries
    }
    low, last = min(shards, default=0), max(shards, default=0)
    tail = _numbers(files, last) if shards else set()
    held = max(seen, max(tail, default=last * SHARD - 1) + 1)
    first, seq = low * SHARD, 0
    for number in range(low, last + 1):
        if number < last and shards.get(number) == SHARD:
            continue
        numbers = tail if number == last else _numbers(files, number)
        begin, end = number * SHARD, min((number + 1) * SHARD, held)
        if number == low:  # the lowest are removed first
            first = begin = min(numbers, default=end if low < last else begin)
        seq = next(seq for seq in range(begin, end + 1) if seq not in numbers)
        if seq < end or (number == last and seq < held):
            raise _missing(files, seq, held)
    if first or not shards:
        unit = units.newest(files)
        until = unit.until if unit else 0
        if until < first or (until and not shards):
            raise _missing(files, until if shards else until - 1, max(held, until))
    return first, seq


def _missing(files: Files, seq: int, held: int) -> DataLossRisk:
    what = f"batch {seq} is missing: {held} batches have been published"
    remedy = "restore it from a snapshot or from the trash; scripts/audit.py shows what is there"
    return DataLossRisk(what, f"{files.root}/{folder(seq)}", remedy)


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
