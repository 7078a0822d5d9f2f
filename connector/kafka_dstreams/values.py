"""The value classes and the decoder of Spark 2.4's pyspark.streaming.kafka."""

from __future__ import annotations

from typing import Any, Callable, Optional

Decoder = Callable[[Optional[bytes]], Any]


def utf8_decoder(s: bytes | None) -> str | None:
    """Bytes as text, None as None. Raises UnicodeDecodeError: what is not UTF-8 fails its batch.

    >>> utf8_decoder(b"be"), utf8_decoder(None)
    ('be', None)
    """
    return None if s is None else s.decode("utf-8")


class TopicAndPartition:
    """A partition of a topic: the key of `fromOffsets` and of `leaders`.

    >>> {TopicAndPartition("words", 0): 7}[TopicAndPartition("words", 0)]
    7
    """

    def __init__(self, topic: str, partition: int) -> None:
        self._topic = topic
        self._partition = partition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.__class__) and (self._topic, self._partition) == (
            other._topic,
            other._partition,
        )

    def __hash__(self) -> int:
        return hash((self._topic, self._partition))


class Broker:
    """A broker's address, for the `leaders` of `createRDD`. Today's client finds the leaders by
    itself.

    >>> leaders = {TopicAndPartition("words", 0): Broker("127.0.0.1", 9092)}
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port


class KafkaMessageAndMetadata:
    """What a message handler gets. `key` and `message` are decoded at each access; pickling keeps
    the raw bytes only.

    >>> message = KafkaMessageAndMetadata("words", 0, 1, None, b"be")
    >>> message, message.message
    (KafkaMessageAndMetadata(topic: words, partition: 0, offset: 1, key and message...), 'be')
    """

    def __init__(
        self, topic: str, partition: int, offset: int, key: bytes | None, message: bytes | None
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self._rawKey = key
        self._rawMessage = message
        self._keyDecoder: Decoder = utf8_decoder
        self._valueDecoder: Decoder = utf8_decoder

    def __str__(self) -> str:
        place = f"topic: {self.topic}, partition: {self.partition}, offset: {self.offset}"
        return f"KafkaMessageAndMetadata({place}, key and message...)"

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return KafkaMessageAndMetadata, (
            self.topic,
            self.partition,
            self.offset,
            self._rawKey,
            self._rawMessage,
        )

    def _set_key_decoder(self, decoder: Decoder) -> None:
        self._keyDecoder = decoder

    def _set_value_decoder(self, decoder: Decoder) -> None:
        self._valueDecoder = decoder

    @property
    def key(self) -> Any:
        """The decoded key."""
        return self._keyDecoder(self._rawKey)

    @property
    def message(self) -> Any:
        """The decoded value."""
        return self._valueDecoder(self._rawMessage)
