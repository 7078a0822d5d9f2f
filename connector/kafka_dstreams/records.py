"""Frames as records: what an RDD of frames looks like to `map`, `count`, `take` and everything else
in Python."""

from __future__ import annotations

from typing import Any, BinaryIO, Callable, Iterator

from pyspark.serializers import BatchedSerializer, NoOpSerializer

from kafka_dstreams.frames import decode, keys_and_values
from kafka_dstreams.values import Decoder, KafkaMessageAndMetadata, utf8_decoder


class RecordSerializer(BatchedSerializer):
    """Reads a stream of frames as the elements that `read` makes of each. It does not write.

    To PySpark a frame is a batch of unknown size; then `zip`, `cartesian` and `union` of such RDDs
    are right.
    """

    def __init__(self, read: Callable[[bytes], list[Any]]) -> None:
        super().__init__(NoOpSerializer(), self.UNKNOWN_BATCH_SIZE)
        self.read = read

    def _load_stream_without_unbatching(self, stream: BinaryIO) -> Iterator[list[Any]]:
        return map(self.read, self.serializer.load_stream(stream))

    def __repr__(self) -> str:
        return f"RecordSerializer({self.read})"


class Pairs:
    """A frame as (key, value) tuples."""

    def __init__(self, key: Decoder, value: Decoder) -> None:
        self.key, self.value = key, value

    def __call__(self, data: bytes) -> list[tuple[Any, Any]]:
        keys, values = keys_and_values(data)
        return list(zip(_decoded(self.key, keys), _decoded(self.value, values)))


class Messages:
    """A frame as what a message handler makes of each record."""

    def __init__(
        self, key: Decoder, value: Decoder, handler: Callable[[KafkaMessageAndMetadata], Any]
    ) -> None:
        self.key, self.value, self.handler = key, value, handler

    def __call__(self, data: bytes) -> list[Any]:
        frame = decode(data)
        out = []
        for offset, key, value in zip(frame.offsets, frame.keys, frame.values):
            message = KafkaMessageAndMetadata(frame.topic, frame.partition, offset, key, value)
            message._set_key_decoder(self.key)
            message._set_value_decoder(self.value)
            out.append(self.handler(message))
        return out


def records(data: bytes) -> list[Any]:
    """A frame as Records, or RecordWithHeaders where the frame has headers."""
    return decode(data).records()


def _decoded(decoder: Decoder, parts: list[bytes | None]) -> list[Any]:
    if decoder is utf8_decoder:  # what it does, without one call per record
        return [None if part is None else part.decode() for part in parts]
    return list(map(decoder, parts))
