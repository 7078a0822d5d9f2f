"""FlumeUtils as Spark 2.4 had it, on `kafka_dstreams.sources.flume`."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from pyspark import StorageLevel
from pyspark.streaming import DStream, StreamingContext

from kafka_dstreams.sources import Source, source_stream
from kafka_dstreams.sources.flume import FlumePull, FlumePush

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
        return _stream(ssc, source, storageLevel, bodyDecoder)

    @staticmethod
    def createPollingStream(
        ssc: StreamingContext,
        addresses: Sequence[tuple[str, int]],
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
        maxBatchSize: int = 1000,
        parallelism: int = 5,  # noqa: ARG004
        bodyDecoder: Callable[[Any], Any] = utf8_decoder,
    ) -> DStream[Any]:
        """What agents' Spark sinks, org.apache.spark.streaming.flume.sink.SparkSink, give at these
        addresses. One batch of each agent is under way, whatever `parallelism` says."""
        return _stream(ssc, FlumePull(addresses, maxBatchSize), storageLevel, bodyDecoder)


def _stream(
    ssc: StreamingContext, source: Source, level: StorageLevel, decoder: Callable[[Any], Any]
) -> DStream[Any]:
    def event(record: Any) -> Any:
        return {name: value.decode("utf-8") for name, value in record.headers}, decoder(
            record.value
        )

    return source_stream(ssc, source, level, headers=True).map(event)
