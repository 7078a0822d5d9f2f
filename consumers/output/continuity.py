"""Whether Kafka still has what comes next: a start holds the output against it before anything is
read."""

from collections.abc import Mapping

from config.errors import ConfigError, DataLossRisk
from consumers.output.manifests import Covered, Interval, Partition, Range, frontier, missing


def check_topics(held: Mapping[str, str], found: Mapping[str, str], root: str) -> None:
    """Raises DataLossRisk if one of the output's topics has another id in Kafka by now; both are
    ids by name."""
    for topic, known in held.items():
        if found[topic] != known:
            what = (
                f"topic {topic} was deleted and created again: its id was {known} and is now "
                f"{found[topic]}"
            )
            raise DataLossRisk(what, root, "start the new topic with a new --output")


def check_names(held: Mapping[str, str], found: Mapping[str, str], root: str) -> None:
    """Raises ConfigError if the output has a topic that this job does not read."""
    if set(held) - set(found):
        what = f"the output belongs to {', '.join(sorted(held))}, this job reads {', '.join(found)}"
        raise ConfigError(what, root, "another --output")


def with_new_partitions(
    covered: Covered, held: Mapping[str, str], offsets: Mapping[Partition, tuple[int, int]]
) -> Covered:
    """`covered` with the partitions that the output does not know yet; `offsets` are [begin, end).

    A partition that a known topic got while no job ran began at 0, like one that it gets while a
    job runs (manifests.cover).
    """
    new = {
        partition: [(0, 0) if partition[0] in held else (begin, begin)]
        for partition, (begin, _end) in offsets.items()
    }
    return {**new, **covered}


def deleted(covered: Covered, offsets: Mapping[Partition, tuple[int, int]]) -> list[Range]:
    """The ranges that Kafka has deleted and the output does not hold. Raises DataLossRisk where
    Kafka's partition is not the one that was read."""
    return [
        (*partition, *gap)
        for partition, known in covered.items()
        for gap in _deleted(partition, known, offsets.get(partition))
    ]


def _deleted(
    partition: Partition, known: list[Interval], offsets: tuple[int, int] | None
) -> list[Interval]:
    name = f"{partition[0]}[{partition[1]}]"
    if offsets is None:
        remedy = "start the topic as it is now with a new --output"
        raise DataLossRisk("the partition no longer exists in Kafka", name, remedy)
    begin, end = offsets
    covered_end = known[-1][1]
    if end < covered_end:
        what = (
            f"Kafka ends at {end}, before what is published: the topic was truncated, or deleted "
            "and created again"
        )
        remedy = "find out what happened; a new --output begins where Kafka begins"
        raise DataLossRisk(what, f"{name} [{end}, {covered_end})", remedy)
    return missing(known, (frontier(known), begin))


def refuse_loss(lost: list[Range]) -> DataLossRisk:
    """The error that names the deleted ranges and both ways to continue."""
    count = sum(end - start for _topic, _partition, start, end in lost)
    where = " ".join(f"{topic}[{number}] [{start}, {end})" for topic, number, start, end in lost)
    remedy = "a new --output, or --accept-loss 'WHO AND WHY' to continue after them"
    what = f"retention has deleted {count} records that were not published"
    return DataLossRisk(what, where, remedy)
