"""MQTTUtils as Spark 1.6 and Apache Bahir had it, on `kafka_dstreams.sources.mqtt`."""

from __future__ import annotations

import pickle
from typing import Any, Callable

from pyspark import StorageLevel
from pyspark.streaming import DStream, StreamingContext

from kafka_dstreams.sources import source_stream
from kafka_dstreams.sources.mqtt import MQTT

__all__ = ["MQTTUtils"]
LEVEL = StorageLevel.MEMORY_AND_DISK_2


class MQTTUtils:
    """Streams of MQTT's messages. The session has a name of its own in each application, lives for
    an hour without it and ends at an orderly stop; `source_stream(ssc, MQTT(…))` has one that
    stays."""

    @staticmethod
    def createStream(
        ssc: StreamingContext, brokerUrl: str, topic: str, storageLevel: StorageLevel = LEVEL
    ) -> DStream[str]:
        """A stream of the payloads as text; what is not UTF-8 becomes U+FFFD."""
        return _stream(ssc, brokerUrl, topic, storageLevel, _text)

    @staticmethod
    def createPickleStream(
        ssc: StreamingContext, brokerUrl: str, topic: str, storageLevel: StorageLevel = LEVEL
    ) -> DStream[Any]:
        """A stream of what the payloads are pickles of. Unpickling runs what a sender likes."""
        return _stream(
            ssc, brokerUrl, topic, storageLevel, lambda record: pickle.loads(record.value)
        )

    @staticmethod
    def createPairedStream(
        ssc: StreamingContext, brokerUrl: str, topics: list[str], storageLevel: StorageLevel = LEVEL
    ) -> DStream[tuple[str, str]]:
        """A stream of (topic, payload as text)."""
        return _stream(
            ssc,
            brokerUrl,
            topics,
            storageLevel,
            lambda record: (record.key.decode(), _text(record)),
        )


def _text(record: Any) -> str:
    return record.value.decode("utf-8", "replace")  # type: ignore[no-any-return]


def _stream(
    ssc: StreamingContext, url: str, topics: Any, level: StorageLevel, read: Callable[[Any], Any]
) -> DStream[Any]:
    jvm: Any = ssc.sparkContext._jvm
    number = jvm.java.util.UUID.randomUUID().toString()[:8]
    client = f"{ssc.sparkContext.applicationId}-{number}"
    return source_stream(ssc, MQTT(url, topics, client, ends_session=True), level).map(read)
