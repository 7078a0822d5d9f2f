"""The published batches of an output: numbered without a gap, a thousand in each shard, counted in
three calls.

batches/<shard>/<seq>/   one batch, published and immutable
_seen/<n>-<identity>     a folder: n batches were there when a driver started, none may vanish
"""

from contextlib import suppress

from config.errors import ConfigError, DataLossRisk
from consumers.output.files import Files
from consumers.output.manifests import Manifest, OtherVersion

# batches in a folder: HDFS allows one 1,048,576 entries and lists a thousand in one answer
SHARD = 1000


def shard(seq: int) -> str:
    """The folder of the batches around this number."""
    return f"batches/{seq // SHARD:07d}"


def folder(seq: int) -> str:
    """Where the batch of this number is published."""
    return f"{shard(seq)}/{seq:010d}"


def published(files: Files, seq: int) -> bool:
    """Whether there is a batch of this number."""
    return files.exists(folder(seq))


def length(files: Files, identity: str) -> int:
    """How many batches there are. Raises DataLossRisk if somebody has taken batches away."""
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
    """The words that drivers have left. One that did not know yet that another output was in its
    output's place left it there."""
    words = [name.partition("-") for name in files.list("_seen")]
    return [int(number) for number, _, of in words if of == identity]


def manifest(files: Files, seq: int) -> tuple[Manifest, bytes]:
    """A batch's manifest and its bytes. Raises ConfigError where it is another version's,
    DataLossRisk where it is none."""
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
