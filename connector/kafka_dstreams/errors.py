"""What Kafka answers in place of what was asked for, and where it is found in what py4j raises."""

from __future__ import annotations

from py4j.protocol import Py4JJavaError

from kafka_dstreams.java_errors import causes


class KafkaError(Exception):
    """Kafka answered no, or not at all.

    >>> try:
    ...     topics(params, ["no-such-topic"])
    ... except KafkaError as error:
    ...     print(type(error).__name__)
    NoSuchTopic
    """


class Unreachable(KafkaError):
    """No broker answered in time.

    >>> soon = {"request.timeout.ms": "400", "default.api.timeout.ms": "500"}
    >>> topics({"bootstrap.servers": "127.0.0.1:1", **soon}, ["words"])
    Traceback (most recent call last):
    kafka_dstreams.errors.Unreachable: ...
    """


class NoSuchTopic(KafkaError):
    """The topic does not exist.

    >>> topics(params, ["nothing"])
    Traceback (most recent call last):
    kafka_dstreams.errors.NoSuchTopic: ...
    """


class DataLoss(KafkaError):
    """The records that were asked for are no longer in Kafka.

    >>> try:
    ...     ids = topic_ids(params, ["words"])
    ... except DataLoss as error:
    ...     print(f"retention was faster: {error}")
    """


class Refused(KafkaError):
    """The brokers do not accept the login, or the user may not do this.

    >>> try:
    ...     ids = topic_ids(params, ["words"])
    ... except Refused as error:
    ...     print(f"look at the login and the ACLs: {error}")
    """


class Untrusted(KafkaError):
    """TLS was not agreed on: this side does not trust the broker's certificate.

    >>> try:
    ...     ids = topic_ids(params, ["words"])
    ... except Untrusted as error:
    ...     print(f"look at ssl.truststore.location: {error}")
    """


_KAFKA = "org.apache.kafka.common"
# by the class, and by words of the message; the first row that fits counts
_ERRORS: dict[tuple[str, str], type[KafkaError]] = {
    ("kafkadstreams.DataLossException", ""): DataLoss,
    (f"{_KAFKA}.errors.UnknownTopicOrPartitionException", ""): NoSuchTopic,
    (f"{_KAFKA}.errors.SaslAuthenticationException", ""): Refused,
    (f"{_KAFKA}.errors.TopicAuthorizationException", ""): Refused,
    (f"{_KAFKA}.errors.GroupAuthorizationException", ""): Refused,
    (f"{_KAFKA}.errors.ClusterAuthorizationException", ""): Refused,
    # the broker's last word on a client's certificate, or on its lack
    ("javax.net.ssl.SSLHandshakeException", "Received fatal alert"): Refused,
    ("javax.net.ssl.SSLProtocolException", "Received fatal alert"): Refused,
    ("javax.net.ssl.SSLHandshakeException", ""): Untrusted,
    (f"{_KAFKA}.errors.SslAuthenticationException", ""): Untrusted,
    (f"{_KAFKA}.errors.TimeoutException", ""): Unreachable,
    (f"{_KAFKA}.config.ConfigException", "No resolvable bootstrap"): Unreachable,
}


def error_of(error: Py4JJavaError) -> KafkaError | None:
    """The Kafka trouble behind an error that Spark reports, or None if it is of another kind.

    >>> from py4j.protocol import Py4JJavaError
    >>> try:
    ...     KafkaUtils.createRDD(sc, params, [OffsetRange("words", 0, 0, 99)])
    ... except Py4JJavaError as error:
    ...     print(error_of(error))
    None
    """
    found = list(causes(error))
    for (known, words), kind in _ERRORS.items():
        for name, text in found:
            if name == known and words in text:
                return kind(text)
    return None
