"""Which error of Kafka's is behind one that Spark reports."""

from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JJavaError

import tests.kit.frame_bytes  # noqa: F401 - puts the connector on the path
from kafka_dstreams import DataLoss, KafkaError, NoSuchTopic, Unreachable, error_of

KAFKA = "org.apache.kafka.common"
CALL = "An error occurred while calling z:kafkadstreams.Helper.topics.\n: "
TASK = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed "
    "1 times, most recent failure: Lost task 0.0 in stage 1.0 (TID 1) (127.0.0.1 executor driver): "
)


class Reported(Py4JJavaError):
    """An error of the JVM whose stack trace is this text."""

    def __init__(self, text: str) -> None:
        super().__init__("", MagicMock())
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            f"{CALL}{KAFKA}.errors.TimeoutException: in 60 s\n\tat a.B.c(D:1)",
            Unreachable,
            "in 60 s",
        ),
        (
            f"{CALL}{KAFKA}.KafkaException: no client\n\tat a.B.c(D:1)\nCaused by: "
            f"{KAFKA}.config.ConfigException: No resolvable bootstrap urls given\n",
            Unreachable,
            "No resolvable bootstrap urls given",
        ),
        (
            f"{CALL}java.util.concurrent.ExecutionException: x\nCaused by: "
            f"{KAFKA}.errors.UnknownTopicOrPartitionException: topic t does not exist\n",
            NoSuchTopic,
            "topic t does not exist",
        ),
        # a task's, whose class may be missing among the causes
        (f"{CALL}{TASK}kafkadstreams.DataLossException: t-0 [3, 9)\n", DataLoss, "t-0 [3, 9)"),
    ],
)
def test_an_error_of_kafka(text: str, kind: type[KafkaError], said: str) -> None:
    error = error_of(Reported(text))
    assert type(error) is kind and str(error) == said


@pytest.mark.parametrize(
    "text",
    [
        f"{CALL}{TASK}java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(D:1)",
        f"{CALL}{KAFKA}.config.ConfigException: Invalid value x for configuration y",
        f"{CALL}java.io.IOException: a file named kafkadstreams.DataLossException\n",
    ],
)
def test_an_error_of_another_kind(text: str) -> None:
    assert error_of(Reported(text)) is None
