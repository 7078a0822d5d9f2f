"""The RDD and streams of Kafka records that know their offset ranges, as Spark 2.4 had them, and
today's doors to them."""

from __future__ import annotations

import inspect
import json
import sys
from datetime import datetime
from types import FunctionType
from typing import Any, Callable, Iterable, Mapping

from pyspark import RDD, StorageLevel, cloudpickle
from pyspark.serializers import Serializer
from pyspark.streaming import DStream, StreamingContext
from pyspark.streaming.dstream import TransformedDStream
from pyspark.streaming.util import TransformFunction

from kafka_dstreams import running, streams
from kafka_dstreams.params import without_secrets
from kafka_dstreams.records import RecordSerializer, records
from kafka_dstreams.streams import OffsetRange

Timed = Callable[[datetime, RDD[Any]], Any]


def direct_stream(
    ssc: StreamingContext,
    topics: list[str],
    params: Mapping[str, Any],
    start: str | Mapping[tuple[str, int], int] = "earliest",
    headers: bool = False,
    fail_on_data_loss: bool = True,
    discover: bool = True,
    stop_at: Mapping[tuple[str, int], int] | None = None,
) -> KafkaDStream:
    """A direct stream of Records; `start`, `discover` and `stop_at` as in `direct_frames`.

    `start` may also be "committed": what the `group.id` of `params` has committed, otherwise the
    beginning. With `headers` the elements are RecordWithHeaders. Without `fail_on_data_loss`
    records that retention has deleted are skipped with a warning.

    >>> seen = []
    >>> stream = direct_stream(ssc, ["words"], params)
    >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while len(seen) < 2:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> [(record.offset, record.value) for record in seen]
    [(0, b'to'), (1, b'be')]
    """
    options = {**without_secrets(params), **_options(headers, fail_on_data_loss)}
    frames = streams.direct_frames(
        ssc, topics, options, start, stop_at, discover=discover, grouped=False
    )
    return KafkaDStream(frames._jdstream, ssc, RecordSerializer(records))


def receiver_stream(
    ssc: StreamingContext,
    topics: Mapping[str, int],
    params: Mapping[str, Any],
    storage_level: StorageLevel = StorageLevel.MEMORY_AND_DISK,
    headers: bool = False,
    fail_on_data_loss: bool = True,
) -> KafkaDStream:
    """A receiver's stream of Records; `topics` and `params` as in `receiver_frames`, the rest as in
    `direct_stream`.

    >>> seen, own = [], {**params, "group.id": "api-receiver", "auto.offset.reset": "earliest"}
    >>> stream = receiver_stream(ssc, {"words": 1}, own)
    >>> stream.map(lambda record: record.value).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while len(seen) < 2:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> seen
    [b'to', b'be']
    """
    options = {**without_secrets(params), **_options(headers, fail_on_data_loss)}
    frames = streams.receiver_frames(ssc, topics, options, storage_level)
    return KafkaDStream(frames._jdstream, ssc, RecordSerializer(records))


def commit_ranges(params: Mapping[str, Any], ranges: Iterable[OffsetRange]) -> None:
    """Acknowledge to the `group.id` of `params` what these ranges cover. A direct stream with
    start="committed" continues there.

    >>> own = {**params, "group.id": "api-commit"}
    >>> commit_ranges(own, [OffsetRange("words", 0, 0, 1)])
    >>> seen = []
    >>> stream = direct_stream(ssc, ["words"], own, start="committed")
    >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> [record.value for record in seen]
    [b'be']
    """
    streams.need(params, "bootstrap.servers", "group.id")
    ends: dict[tuple[str, int], int] = {}
    for r in ranges:
        ends[r.topic, r.partition] = max(r.untilOffset, ends.get((r.topic, r.partition), 0))
    streams.commit(without_secrets(params), params["group.id"], ends)


class KafkaRDD(RDD[Any]):
    """An RDD of Kafka records. Transformations of it are plain RDDs, without `offsetRanges`.

    >>> rdd = KafkaUtils.createRDD(sc, params, [OffsetRange("words", 0, 0, 2)])
    >>> rdd.offsetRanges()
    [OffsetRange(topic='words', partition=0, fromOffset=0, untilOffset=2)]
    """

    def offsetRanges(self) -> list[OffsetRange]:
        """Its offset ranges, in the order of its partitions (a receiver's may have several per
        partition). Driver only."""
        parts = json.loads(running.helper(self.ctx._jvm).ranges(self._jrdd.rdd()))
        return [OffsetRange(*row) for part in parts for row in part]


def as_it_is(_time: datetime, rdd: RDD[Any]) -> RDD[Any]:
    """The stage that does nothing: what comes out of it is pickled, whatever serializer was before
    it."""
    return rdd.mapPartitions(iter)


class KafkaDStream(TransformedDStream[Any]):
    """A stream of KafkaRDDs: `foreachRDD` and `transform` hand them out, and map-like operations
    read their frames.

    To all else in PySpark (window, union, join, state) it is what 2.4's was: a stream of pickled
    elements, made out of the frames by a stage that does nothing. Otherwise frames would meet the
    elements of other streams under one serializer.

    >>> seen, stream = [], direct_stream(ssc, ["words"], params)
    >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.offsetRanges()))
    >>> ssc.start()
    >>> while not seen:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> print(seen[0])
    OffsetRange(topic: words, partition: 0, range: [0 -> 2]
    """

    def __init__(self, jdstream: Any, ssc: StreamingContext, jrdd_deserializer: Serializer) -> None:
        self._frames: DStream[Any] = DStream(jdstream, ssc, jrdd_deserializer)
        super().__init__(self._frames, as_it_is)

    def persist(self, storageLevel: StorageLevel) -> KafkaDStream:
        """Keep what was read; as frames, which every use of the stream is made of."""
        self._frames.persist(storageLevel)
        return self

    def checkpoint(self, interval: int) -> KafkaDStream:
        """Write what was read into the checkpoint directory every `interval` seconds."""
        self._frames.checkpoint(interval)
        return self

    def foreachRDD(self, func: Callable[..., Any]) -> None:
        """Run func(rdd) or func(time, rdd) for each batch, on the driver. What it returns is
        ignored."""
        call = TransformFunction(
            self._sc, _action(func), self._frames._jrdd_deserializer
        ).rdd_wrapper(KafkaRDD)
        self._ssc._jvm.PythonDStream.callForeachRDD(self._frames._jdstream, call)

    def transform(self, func: Callable[..., RDD[Any]]) -> KafkaTransformedDStream:
        """The stream of what func(rdd) or func(time, rdd) returns."""
        return KafkaTransformedDStream(self._frames, _transformation(func), folds=False)

    def mapPartitionsWithIndex(
        self, f: Callable[..., Any], preservesPartitioning: bool = False
    ) -> KafkaTransformedDStream:
        """Every map-like operation comes here."""
        return KafkaTransformedDStream(
            self._frames,
            _transformation(lambda rdd: rdd.mapPartitionsWithIndex(f, preservesPartitioning)),
        )


class KafkaTransformedDStream(TransformedDStream[Any]):
    """A stream whose function gets a KafkaRDD.

    A chain of map-like operations is folded into one, so that records cross into Python once. A
    function that the user gave to `KafkaDStream.transform` is never folded: it runs once per batch,
    however many streams are made of its result.

    >>> seen, lengths = [], direct_stream(ssc, ["words"], params).map(lambda r: len(r.value))
    >>> type(lengths).__name__
    'KafkaTransformedDStream'
    >>> lengths.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    >>> ssc.start()
    >>> while len(seen) < 2:
    ...     _ = ssc.awaitTerminationOrTimeout(0.1)
    >>> seen
    [2, 2]
    """

    def __init__(self, prev: DStream[Any], func: Timed, folds: bool = True) -> None:
        if (
            isinstance(prev, KafkaTransformedDStream)
            and prev.folds
            and not prev.is_cached
            and not prev.is_checkpointed
        ):
            inner, outer = prev.func, func
            super().__init__(prev.prev, lambda time, rdd: outer(time, inner(time, rdd)))
        else:
            super().__init__(prev, func)
        self.folds = folds

    @property
    def _jdstream(self) -> Any:
        if self._jdstream_val is None:
            call = TransformFunction(self._sc, self.func, self.prev._jrdd_deserializer).rdd_wrapper(
                KafkaRDD
            )
            stream = self._sc._jvm.PythonTransformedDStream(self.prev._jdstream.dstream(), call)
            self._jdstream_val = stream.asJavaDStream()
        return self._jdstream_val

    def foreachRDD(self, func: Callable[..., Any]) -> None:
        """Run func(rdd) or func(time, rdd) for each batch, on the driver. What it returns is
        ignored."""
        super().foreachRDD(_action(func))

    def transform(self, func: Callable[..., RDD[Any]]) -> KafkaTransformedDStream:
        """The stream of what func(rdd) or func(time, rdd) returns."""
        return KafkaTransformedDStream(self, _transformation(func))


def _options(headers: bool, fail_on_data_loss: bool) -> dict[str, str]:
    return {
        "includeHeaders": str(headers).lower(),
        "failOnDataLoss": str(fail_on_data_loss).lower(),
    }


def _arity(func: Callable[..., Any]) -> int:
    """How many arguments `func` is called with: as 2.4 counted them for functions, without `self`
    and bound ones for others."""
    if inspect.isfunction(func):
        return func.__code__.co_argcount
    try:
        given = inspect.signature(func).parameters.values()
    except ValueError:  # some of C's functions do not say
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(1 for p in given if p.kind in positional and p.default is p.empty) or 1


class _OfTheScript:
    """A function that runs on the driver. In a recovered context it has the running script's global
    variables.

    PySpark pickles each function with globals of its own, so that a list which one of them fills
    and another one reads would be two lists after a recovery.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, *arguments: Any) -> Any:
        return self.func(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return _recovered, (cloudpickle.dumps(self.func),)


def _recovered(pickled: bytes) -> _OfTheScript:
    func = cloudpickle.loads(pickled)
    if inspect.isfunction(func) and func.__module__ == "__main__":
        script = vars(sys.modules["__main__"])
        for name, value in func.__globals__.items():
            script.setdefault(name, value)
        func = FunctionType(
            func.__code__, script, func.__name__, func.__defaults__, func.__closure__
        )
    return _OfTheScript(func)


def _action(func: Callable[..., Any]) -> Timed:
    """A function for `foreachRDD` that returns nothing: of anything else Spark would want the RDD
    behind it."""
    call, arity = _OfTheScript(func), _arity(func)

    def act(time: datetime, rdd: RDD[Any]) -> None:
        call(rdd) if arity == 1 else call(time, rdd)

    return act


def _transformation(func: Callable[..., RDD[Any]]) -> Timed:
    """A function for `transform`: its result is in the form that Spark takes the elements of a
    transformed stream for."""
    call, arity = _OfTheScript(func), _arity(func)
    assert arity in (1, 2), "func should take one or two arguments"

    def transformed(time: datetime, rdd: RDD[Any]) -> RDD[Any]:
        result = call(rdd) if arity == 1 else call(time, rdd)
        return result._reserialize(result.ctx.serializer) if isinstance(result, RDD) else result

    return transformed
