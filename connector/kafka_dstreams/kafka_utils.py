"""Spark 2.4's pyspark.streaming.kafka for today's Spark and Kafka: the same names, arguments,
checks and results."""

from __future__ import annotations

import re
import sys
import threading
from typing import Any, Callable

import pyspark
from py4j.java_gateway import JavaPackage
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkContext, StorageLevel
from pyspark.streaming import DStream, StreamingContext

from kafka_dstreams import running, streams
from kafka_dstreams.dstreams import KafkaDStream, KafkaRDD, KafkaTransformedDStream, as_it_is
from kafka_dstreams.errors import KafkaError
from kafka_dstreams.java_errors import causes
from kafka_dstreams.params import brokers, tell_once, translate
from kafka_dstreams.records import Messages, Pairs, RecordSerializer
from kafka_dstreams.streams import OffsetRange
from kafka_dstreams.values import (
    Broker,
    Decoder,
    KafkaMessageAndMetadata,
    TopicAndPartition,
    utf8_decoder,
)

__all__ = [
    "Broker",
    "KafkaDStream",
    "KafkaMessageAndMetadata",
    "KafkaRDD",
    "KafkaTransformedDStream",
    "KafkaUtils",
    "OffsetRange",
    "TopicAndPartition",
    "utf8_decoder",
]

Handler = Callable[[KafkaMessageAndMetadata], Any]

_NO_JAR = """
________________________________________________________________________________________________

  Spark Streaming's Kafka libraries not found in class path. Try one of the following.

  1. Let the repository's own spark-submit line add them:

     $ scripts/submit {script} ...

  2. Name the connector's jars in the spark-submit command; the installed package knows where
     they are:

     $ spark-submit --jars "$(python -m kafka_dstreams jars)" {script} ...

  This is Spark {spark} with Scala {scala}.

________________________________________________________________________________________________

"""


class KafkaUtils:
    """The three doors. A refusal of Kafka's is a Py4JJavaError with a SparkException, as it was."""

    @staticmethod
    def createStream(
        ssc: StreamingContext,
        zkQuorum: str,
        groupId: str,
        topics: dict[str, int],
        kafkaParams: dict[str, Any] | None = None,
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
        keyDecoder: Decoder = utf8_decoder,
        valueDecoder: Decoder = utf8_decoder,
    ) -> DStream[Any]:
        """A receiver's stream of (key, value) tuples. `topics` says how many consumers read each
        topic.

        `zkQuorum` says where the brokers are only if nothing else does
        (`kafka_dstreams.params.brokers`). `kafkaParams` is changed, as it always was. Raises
        TypeError.

        >>> old = {"metadata.broker.list": brokers, "auto.offset.reset": "smallest"}
        >>> seen, stream = [], KafkaUtils.createStream(ssc, "zoo:2181", "api", {"words": 1}, old)
        >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
        >>> ssc.start()
        >>> while len(seen) < 2:
        ...     _ = ssc.awaitTerminationOrTimeout(0.1)
        >>> seen
        [(None, 'to'), (None, 'be')]
        """
        if kafkaParams is None:
            kafkaParams = {}
        kafkaParams.update(
            {
                "zookeeper.connect": zkQuorum,
                "group.id": groupId,
                "zookeeper.connection.timeout.ms": "10000",
            },
        )
        if not isinstance(topics, dict):
            raise TypeError("topics should be dict")
        KafkaUtils._get_helper(ssc.sparkContext)
        if not isinstance(storageLevel, StorageLevel):
            raise Exception("storageLevel must be of type pyspark.StorageLevel")  # 2.4's
        found = brokers(kafkaParams, dict(ssc.sparkContext.getConf().getAll()), zkQuorum)
        params = _params(ssc.sparkContext._jvm, {**kafkaParams, "metadata.broker.list": found})
        # there is no other executor to replicate to, and Spark would warn once per block
        if re.match(r"local($|\[)", ssc.sparkContext.master or ""):
            level = storageLevel
            storageLevel = StorageLevel(
                level.useDisk, level.useMemory, level.useOffHeap, level.deserialized
            )
        frames = streams.receiver_frames(ssc, topics, params, storageLevel)
        # it may take seconds
        threading.Thread(target=_tell_of_silence, args=(params, list(topics)), daemon=True).start()
        pairs: DStream[Any] = DStream(
            frames._jdstream, ssc, RecordSerializer(Pairs(keyDecoder, valueDecoder))
        )
        # Folded into the next stage; `ssc.union` wants streams of one serializer.
        return KafkaTransformedDStream(pairs, as_it_is)

    @staticmethod
    def createDirectStream(
        ssc: StreamingContext,
        topics: list[str],
        kafkaParams: dict[str, Any],
        fromOffsets: dict[TopicAndPartition, int] | None = None,
        keyDecoder: Decoder = utf8_decoder,
        valueDecoder: Decoder = utf8_decoder,
        messageHandler: Handler | None = None,
    ) -> KafkaDStream:
        """A direct stream of (key, value) tuples, or of what `messageHandler` returns.

        It begins at `fromOffsets` and reads those partitions only; without them at the beginning if
        `auto.offset.reset` is smallest (or earliest), otherwise at the end, and reads the
        partitions that there are now. Raises TypeError, Py4JJavaError.

        >>> start = {TopicAndPartition("words", 0): 1}
        >>> seen, stream = [], KafkaUtils.createDirectStream(ssc, ["words"], params, start)
        >>> stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
        >>> ssc.start()
        >>> while not seen:
        ...     _ = ssc.awaitTerminationOrTimeout(0.1)
        >>> seen
        [(None, 'be')]
        """
        if not isinstance(topics, list):
            raise TypeError("topics should be list")
        if not isinstance(kafkaParams, dict):
            raise TypeError("kafkaParams should be dict")
        KafkaUtils._get_helper(ssc.sparkContext)
        jvm = ssc.sparkContext._jvm
        _tell_of_retries(ssc.sparkContext)
        params = _params(jvm, kafkaParams)
        discover = params.pop("discoverPartitions", "false").lower() == "true"
        start: Any = params["auto.offset.reset"]
        if fromOffsets:
            start = {
                (key._topic, key._partition): int(offset) for key, offset in fromOffsets.items()
            }
            named = {topic for topic, _ in start}
            if named != set(topics):
                shown = " ".join(sorted(set(topics))), " ".join(sorted(named))
                text = (
                    f"The specified topics: {shown[0]} do not equal to the topic from offsets: "
                    f"{shown[1]}"
                )
                jvm.kafkadstreams.Helper.refuse(jvm.java.lang.IllegalStateException(text))
            _partitions(jvm, params, topics, set(start))
        frames = _asked(
            jvm,
            params,
            topics,
            lambda: streams.direct_frames(
                ssc, topics, params, start, discover=discover, grouped=False
            ),
        )
        return KafkaDStream(
            frames._jdstream, ssc, _serializer(keyDecoder, valueDecoder, messageHandler)
        )

    @staticmethod
    def createRDD(
        sc: SparkContext,
        kafkaParams: dict[str, Any],
        offsetRanges: list[OffsetRange],
        # the client finds them by itself
        leaders: dict[TopicAndPartition, Broker] | None = None,  # noqa: ARG004
        keyDecoder: Decoder = utf8_decoder,
        valueDecoder: Decoder = utf8_decoder,
        messageHandler: Handler | None = None,
    ) -> KafkaRDD:
        """An RDD of these ranges, one partition each, in their order. Raises TypeError,
        Py4JJavaError (not in Kafka).

        >>> KafkaUtils.createRDD(sc, params, [OffsetRange("words", 0, 0, 2)]).collect()
        [(None, 'to'), (None, 'be')]
        """
        if not isinstance(kafkaParams, dict):
            raise TypeError("kafkaParams should be dict")
        if not isinstance(offsetRanges, list):
            raise TypeError("offsetRanges should be list")
        KafkaUtils._get_helper(sc)
        jvm = sc._jvm
        _tell_of_retries(sc)
        params = _params(jvm, kafkaParams)
        ranges = [
            OffsetRange(r.topic, int(r.partition), int(r.fromOffset), int(r.untilOffset))
            for r in offsetRanges
        ]
        asked = {(r.topic, r.partition) for r in ranges}
        limits = _partitions(jvm, params, sorted({r.topic for r in ranges}), asked)
        bad = [
            r
            for r in ranges
            if not limits[r[:2]][0] <= r.fromOffset <= r.untilOffset <= limits[r[:2]][1]
        ]
        if bad:
            shown = ",".join(
                f"OffsetRange(topic: '{r.topic}', partition: {r.partition}, range: "
                f"[{r.fromOffset} -> {r.untilOffset}])"
                for r in bad
            )
            _refuse(jvm, f"Offsets not available on leader: {shown}")
        jrdd = streams.rdd_of_frames(sc, params, ranges)
        return KafkaRDD(jrdd, sc, _serializer(keyDecoder, valueDecoder, messageHandler))

    @staticmethod
    def _get_helper(sc: SparkContext) -> Any:
        running.check_java(sc._jvm)
        helper = sc._jvm.kafkadstreams.Helper
        if isinstance(helper, JavaPackage):
            KafkaUtils._printErrorMsg(sc)
            raise TypeError("'JavaPackage' object is not callable")
        return helper

    @staticmethod
    def _printErrorMsg(sc: SparkContext) -> None:  # noqa: ARG004  the old signature
        script = sys.argv[0] or "SCRIPT.py"
        print(_NO_JAR.format(script=script, spark=pyspark.__version__, scala=running.scala()))


def _tell_of_retries(sc: SparkContext) -> None:
    if sc.getConf().contains("spark.streaming.kafka.maxRetries"):
        tell_once(
            "spark.streaming.kafka.maxRetries has no effect: the client asks again until "
            "default.api.timeout.ms is over"
        )


def _params(jvm: Any, given: dict[str, Any]) -> dict[str, str]:
    """The translated parameters; refuses brokers that are missing or have no port."""
    params = translate(given)
    found = params.get("bootstrap.servers")
    if not found:
        _refuse(jvm, "Must specify metadata.broker.list or bootstrap.servers")
    elif not all(":" in broker for broker in found.split(",")):
        _refuse(jvm, f"Broker not in the correct format of <host>:<port> [{found}]")
    return params


def _partitions(
    jvm: Any, params: dict[str, str], topics: list[str], asked: set[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """[begin, end) of every partition of the topics; refuses if one that was asked for is not among
    them."""
    found = _asked(jvm, params, topics, lambda: streams.topics(params, topics))
    limits = {
        (topic, p): span for topic, state in found.items() for p, span in state.partitions.items()
    }
    missing = sorted(asked - set(limits))
    if missing:
        _refuse(
            jvm,
            "Couldn't find leaders for "
            + ", ".join(f"[{topic},{partition}]" for topic, partition in missing),
        )
    return limits


def _tell_of_silence(params: dict[str, str], topics: list[str]) -> None:
    """Say why a receiver will receive nothing for now. It keeps trying, as 2.4's did: brokers
    and topics may come up later."""
    soon = {"request.timeout.ms": "5000", "default.api.timeout.ms": "5000"}
    try:
        streams.topics_once({**params, **soon}, topics)
    except (KafkaError, Py4JJavaError) as error:
        reason = ": ".join(next(causes(error))) if isinstance(error, Py4JJavaError) else error
        tell_once(
            f"the receiver waits for brokers and topic: {reason} (brokers "
            f"{params['bootstrap.servers']})"
        )
    except Py4JError:
        return  # the application has ended meanwhile


def _asked(jvm: Any, params: dict[str, str], topics: list[str], question: Callable[[], Any]) -> Any:
    """The answer to what only Kafka knows; a refusal of Kafka's as the SparkException of old."""
    try:
        return question()
    except KafkaError as error:
        refusal = f"{type(error).__name__}: {error}"
    except Py4JJavaError as error:
        *_, (name, text) = causes(error)
        if not name.startswith("org.apache.kafka."):
            raise
        refusal = f"{name.rpartition('.')[2]}: {text}"
    return _refuse(
        jvm,
        f"{refusal} (topics {' '.join(map(str, topics))}; brokers {params['bootstrap.servers']})",
    )


def _refuse(jvm: Any, message: str) -> None:
    """Raise Py4JJavaError with a SparkException."""
    jvm.kafkadstreams.Helper.refuse(jvm.org.apache.spark.SparkException(message))


def _serializer(key: Decoder, value: Decoder, handler: Handler | None) -> RecordSerializer:
    return RecordSerializer(Pairs(key, value) if handler is None else Messages(key, value, handler))
