"""FlumeUtils as Spark 2.4 had it, on `kafka_dstreams.sources.flume`: push only."""

from __future__ import annotations

from typing import Any, Callable

from pyspark import StorageLevel
from pyspark.streaming import DStream, StreamingContext

from kafka_dstreams.sources import source_stream
from kafka_dstreams.sources.flume import FlumePush

__all__ = ["FlumeUtils", "utf8_decoder"]


def utf8_decoder(s: bytes | None) -> str | None:
    """The text of a body; None stays None."""
    return None if s is None else s.decode("utf-8")


class FlumeUtils:
    """Streams of Flume's events as ({header: value}, body), the body as `bodyDecoder` gives it."""

    @staticmethod
    def createStream(
        ssc: StreamingContext,
        hostname: str,
        port: int,
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
        enableDecompression: bool = False,
        bodyDecoder: Callable[[Any], Any] = utf8_decoder,
    ) -> DStream[Any]:
        """What the Avro sinks of agents send to `hostname`:`port`, where the receiver listens."""
        source = FlumePush(hostname, port, enableDecompression)

        def event(record: Any) -> Any:
            headers = {name: value.decode("utf-8") for name, value in record.headers}
            return headers, bodyDecoder(record.value)

        return source_stream(ssc, source, storageLevel, headers=True).map(event)

    @staticmethod
    def createPollingStream(*_arguments: Any, **_named: Any) -> DStream[Any]:
        """Pull from Spark's own sink is not there. Raises NotImplementedError."""
        raise NotImplementedError(
            "kafka_dstreams has Flume's push only: give the agent an Avro sink and use "
            "FlumeUtils.createStream, or a Kafka sink and KafkaUtils"
        )
