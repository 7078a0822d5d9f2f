"""Kafka streams of frames for classic Spark Streaming: the direct one and the receiver's, and what
belongs to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkContext, StorageLevel
from pyspark.serializers import NoOpSerializer
from pyspark.streaming import DStream, StreamingContext

from kafka_dstreams import running
from kafka_dstreams.errors import error_of
from kafka_dstreams.java_errors import causes


class OffsetRange(NamedTuple):
    """The records [fromOffset, untilOffset) of one Kafka partition.

    >>> print(OffsetRange("words", 0, 0, 2))
    OffsetRange(topic: words, partition: 0, range: [0 -> 2]
    """

    topic: str
    partition: int
    fromOffset: int
    untilOffset: int

    # Spark 2.4's: the closing parenthesis was never there, and logs are parsed
    def __str__(self) -> str:
        return (
            f"OffsetRange(topic: {self.topic}, partition: {self.partition}, range: "
            f"[{self.fromOffset} -> {self.untilOffset}]"
        )


class TopicState(NamedTuple):
    """A topic as the broker has it: its id, and [begin, end) of each partition.

    >>> topics(params, ["words"])["words"].partitions
    {0: (0, 2)}
    """

    id: str
    partitions: dict[int, tuple[int, int]]


def direct_frames(
    ssc: StreamingContext,
    topics: list[str],
    params: Mapping[str, str],
    start: str | Mapping[tuple[str, int], int] = "earliest",
    stop_at: Mapping[tuple[str, int], int] | None = None,
    skip: Iterable[tuple[str, int, int, int]] = (),
    discover: bool = True,
    start_epochs: Mapping[tuple[str, int], int] | None = None,
    grouped: bool = True,
) -> DStream[bytes]:
    """A direct stream of frames: the driver plans offset ranges, tasks read exactly those.

    `start` is "earliest", "latest" or the first offset of each (topic, partition); with `discover`
    partitions that it does not name are read from their beginning, those added later too. `stop_at`
    ends each partition there. `skip` names ranges (topic, partition, from, until) that are never
    read. With `start_epochs`, the leader epochs of what is before `start` (`leader_epochs`), a log
    that was truncated below `start` and has grown again fails its batch with DataLoss.

    `grouped`: partitions without new records cost no task, and many with a few share at most two
    tasks per core. Otherwise each partition is an RDD partition, in their order. Raises
    NoSuchTopic, Unreachable, ValueError.

    >>> seen = []
    >>> stream = direct_frames(ssc, ["words"], params, stop_at={("words", 0): 1})
    >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> [decode(one).values for one in seen]
    [[b'to']]
    """
    running.check_java(ssc.sparkContext._jvm)
    need(params, "bootstrap.servers", *(["group.id"] if start == "committed" else []))
    if isinstance(start, str) and start not in ("earliest", "latest", "committed"):
        raise ValueError(
            f"start should be earliest, latest, committed or {{(topic, partition): offset}}, not "
            f"{start!r}"
        )
    spec = {
        "params": dict(params),
        "topics": list(topics),
        "start": start if isinstance(start, str) else _rows(start),
        "stop_at": None if stop_at is None else _rows(stop_at),
        "skip": [list(row) for row in skip],
        "discover": discover,
        "start_epochs": _rows(start_epochs or {}),
        "grouped": grouped,
    }
    return DStream(
        call(ssc.sparkContext._jvm, "directStream", ssc._jssc, json.dumps(spec)),
        ssc,
        NoOpSerializer(),
    )


def rdd_of_frames(
    sc: SparkContext, params: Mapping[str, str], ranges: Iterable[OffsetRange]
) -> Any:
    """The Java RDD that reads these ranges, one partition each, as frames. The caller has checked
    that they are in Kafka."""
    return call(
        sc._jvm, "rdd", sc._jsc, json.dumps(dict(params)), json.dumps([list(row) for row in ranges])
    )


def receiver_frames(
    ssc: StreamingContext,
    topics: Mapping[str, int],
    params: Mapping[str, str],
    storage_level: StorageLevel = StorageLevel.MEMORY_AND_DISK,
) -> DStream[bytes]:
    """A receiver's stream of frames; `topics` says how many consumers read each topic, `params`
    names the `group.id`.

    What has been stored (in the write-ahead log where it is on) is acknowledged to Kafka, nothing
    else is. Raises ValueError.

    >>> seen, own = [], {**params, "group.id": "api-frames", "auto.offset.reset": "earliest"}
    >>> receiver_frames(ssc, {"words": 1}, own).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> decode(seen[0]).topic
    'words'
    """
    running.check_java(ssc.sparkContext._jvm)
    # without one Spark would start the receiver again and again
    need(params, "bootstrap.servers", "group.id")
    if not topics or not all(isinstance(count, int) and count > 0 for count in topics.values()):
        raise ValueError(
            f"topics should say how many consumers read each topic, one or more: {{name: "
            f"number}}, not {dict(topics)}"
        )
    spec = json.dumps({"params": dict(params), "topics": dict(topics)})
    level = ssc.sparkContext._getJavaStorageLevel(storage_level)
    return DStream(
        call(ssc.sparkContext._jvm, "receiverStream", ssc._jssc, spec, level),
        ssc,
        NoOpSerializer(),
    )


def offset_ranges(rdd: RDD[Any]) -> list[list[OffsetRange]]:
    """The offset ranges of a stream's RDD, a list for each of its partitions; raises ValueError for
    any other RDD.

    >>> offset_ranges(KafkaUtils.createRDD(sc, params, [OffsetRange("words", 0, 0, 2)]))
    [[OffsetRange(topic='words', partition=0, fromOffset=0, untilOffset=2)]]
    """
    try:
        parts = json.loads(running.helper(_jvm()).ranges(rdd._jrdd.rdd()))
    except Py4JJavaError as error:
        raise ValueError(next(causes(error))[1]) from None
    return [[OffsetRange(*row) for row in part] for part in parts]


def leader_epochs(rdd: RDD[Any]) -> dict[tuple[str, int], int]:
    """Kafka's leader epoch of the last record of each (topic, partition) in a stream's RDD, where
    it is known.

    >>> seen = []
    >>> def act(rdd):
    ...     if rdd.count():
    ...         seen.append(leader_epochs(rdd))
    >>> direct_frames(ssc, ["words"], params).foreachRDD(act)
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> seen[0]
    {('words', 0): 0}
    """
    rows = json.loads(running.helper(_jvm()).leaderEpochs(rdd._jrdd.rdd()))
    return {(topic, partition): epoch for topic, partition, epoch in rows}


def topics(params: Mapping[str, str], names: list[str]) -> dict[str, TopicState]:
    """What the broker knows of these topics. Raises NoSuchTopic, Unreachable. Needs a JVM, but no
    context yet.

    >>> list(topics(params, ["words"]))
    ['words']
    """
    return {
        topic: TopicState(
            state["id"], {int(p): (begin, end) for p, (begin, end) in state["partitions"].items()}
        )
        for topic, state in json.loads(
            call(_jvm(), "topics", json.dumps(dict(params)), names)
        ).items()
    }


def topic_ids(params: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """The ids of these topics by name: `topics` in one round trip. Raises NoSuchTopic,
    Unreachable.

    >>> topic_ids(params, ["words"])["words"] == topics(params, ["words"])["words"].id
    True
    """
    return dict(json.loads(call(_jvm(), "topicIds", json.dumps(dict(params)), names)))


def topics_once(params: Mapping[str, str], names: list[str]) -> dict[str, TopicState]:
    """`topics` by a client that is closed afterwards: for parameters that are used only once."""
    try:
        return topics(params, names)
    finally:
        call(_jvm(), "close", json.dumps(dict(params)))


def commit(
    params: Mapping[str, str],
    group: str,
    offsets: Mapping[tuple[str, int], int],
    epochs: Mapping[tuple[str, int], int] | None = None,
) -> None:
    """Set the offsets of a group without members. With the leader epochs of what is before them
    (`leader_epochs`) a receiver that begins there notices when the log has been truncated below
    them.

    >>> commit(params, "api-group", {("words", 0): 2})
    """
    call(
        _jvm(),
        "commit",
        json.dumps(dict(params)),
        group,
        json.dumps(_rows(offsets)),
        json.dumps(_rows(epochs or {})),
    )


def receive_in(ssc: StreamingContext, group: str) -> None:
    """Have the receivers of a context that has not started read in this group; otherwise a
    recovered context keeps the old driver's group.

    >>> seen, own = [], {**params, "group.id": "api-before", "auto.offset.reset": "earliest"}
    >>> receiver_frames(ssc, {"words": 1}, own).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> commit(params, "api-after", {("words", 0): 1})
    >>> receive_in(ssc, "api-after")
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> decode(seen[0]).values
    [b'be']
    """
    call(ssc.sparkContext._jvm, "group", ssc._jssc, group)


def need(params: Mapping[str, str], *names: str) -> None:
    """Raises ValueError if one of the parameters is missing."""
    missing = [name for name in names if not params.get(name)]
    if missing:
        raise ValueError(f"Kafka's parameters should have {' and '.join(missing)}")


def call(jvm: Any, method: str, *arguments: Any) -> Any:
    """Call a method of Helper. Raises what Kafka answered in place of it."""
    try:
        return getattr(running.helper(jvm), method)(*arguments)
    except Py4JJavaError as error:
        raise (error_of(error) or error) from None


def _jvm() -> Any:
    SparkContext._ensure_initialized()
    return SparkContext._jvm


def _rows(offsets: Mapping[tuple[str, int], int]) -> list[list[Any]]:
    return [[topic, partition, offset] for (topic, partition), offset in offsets.items()]
