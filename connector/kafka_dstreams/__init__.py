"""Kafka for PySpark DStreams on current Spark: a direct stream and a reliable receiver."""

from kafka_dstreams.frames import Frame, Record, decode
from kafka_dstreams.streams import (
    DataLoss,
    KafkaError,
    NoSuchTopic,
    OffsetRange,
    TopicState,
    Unreachable,
    commit,
    direct_frames,
    error_of,
    offset_ranges,
    receiver_frames,
    topics,
)

__all__ = [
    "DataLoss",
    "Frame",
    "KafkaError",
    "NoSuchTopic",
    "OffsetRange",
    "Record",
    "TopicState",
    "Unreachable",
    "commit",
    "decode",
    "direct_frames",
    "error_of",
    "offset_ranges",
    "receiver_frames",
    "topics",
]
