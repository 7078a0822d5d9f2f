"""Kafka for PySpark DStreams on current Spark: Spark 2.4's KafkaUtils, a direct stream and a
reliable receiver.

In the examples `words` is a topic of one partition with the records `to` and `be`, `brokers` is
its broker's address, `params` is {"bootstrap.servers": brokers}, `frame` is one frame of that
topic, and `sc` and `ssc` are a SparkContext and a StreamingContext that has not started.
"""

from pyspark import SparkContext

from kafka_dstreams import running  # noqa: F401  first: it refuses an older Spark
from kafka_dstreams.dstreams import (
    KafkaDStream,
    KafkaRDD,
    KafkaTransformedDStream,
    commit_ranges,
    direct_stream,
    receiver_stream,
)
from kafka_dstreams.errors import (
    DataLoss,
    KafkaError,
    NoSuchTopic,
    Refused,
    Unreachable,
    Untrusted,
    error_of,
)
from kafka_dstreams.frames import Frame, Layout, Record, RecordWithHeaders, decode, layout
from kafka_dstreams.kafka_utils import KafkaUtils
from kafka_dstreams.params import without_secrets
from kafka_dstreams.streams import (
    OffsetRange,
    TopicState,
    commit,
    direct_frames,
    leader_epochs,
    offset_ranges,
    receive_in,
    receiver_frames,
    topic_ids,
    topics,
)
from kafka_dstreams.values import Broker, KafkaMessageAndMetadata, TopicAndPartition, utf8_decoder

__all__ = [
    "Broker",
    "DataLoss",
    "Frame",
    "KafkaDStream",
    "KafkaError",
    "KafkaMessageAndMetadata",
    "KafkaRDD",
    "KafkaTransformedDStream",
    "KafkaUtils",
    "Layout",
    "NoSuchTopic",
    "OffsetRange",
    "Record",
    "RecordWithHeaders",
    "Refused",
    "TopicAndPartition",
    "TopicState",
    "Unreachable",
    "Untrusted",
    "commit",
    "commit_ranges",
    "decode",
    "direct_frames",
    "direct_stream",
    "error_of",
    "layout",
    "leader_epochs",
    "offset_ranges",
    "receive_in",
    "receiver_frames",
    "receiver_stream",
    "topic_ids",
    "topics",
    "utf8_decoder",
    "without_secrets",
]

# A wheel is a zip. By its ending PySpark would send it with --py-files, but not import from it.
if ".whl" not in SparkContext.PACKAGE_EXTENSIONS:
    SparkContext.PACKAGE_EXTENSIONS = (*SparkContext.PACKAGE_EXTENSIONS, ".whl")
