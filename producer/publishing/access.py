"""The settings of a secured Kafka in librdkafka's words, and what its refusals mean."""

from confluent_kafka import KafkaError

from config import access
from config.errors import ConfigError, CredentialsError, PipelineError
from config.references import names_secret, resolved
from config.settings import Settings

# what the exactness of what is published rests on
_OURS = (
    "bootstrap.servers",
    "metadata.broker.list",
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "message.timeout.ms",
    "message.max.bytes",
    "queue.buffering.max.kbytes",
    "partitioner",
)
_RIGHTS = "docs/security.md has what a producer must be granted"


def properties(settings: Settings) -> dict[str, str]:
    """librdkafka's properties; empty for a plain Kafka. They hold the secrets: never print them.

    Raises ConfigError, CredentialsError for settings that cannot work.
    """
    found = access.of(settings, _OURS)
    more = {n: resolved(value) if names_secret(n) else value for n, value in found.more.items()}
    if found.protocol == "PLAINTEXT":
        return more
    out = {"security.protocol": found.protocol}
    if found.logs_in:
        out |= {
            "sasl.mechanism": access.MECHANISM,
            "sasl.username": found.user,
            "sasl.password": resolved(found.password),
        }
    files = {
        "ssl.ca.location": found.ca,
        "ssl.certificate.location": found.certificate,
        "ssl.key.location": found.key,
    }
    return {**out, **{name: path for name, path in files.items() if path}, **more}


def refusal(error: KafkaError, where: str) -> PipelineError | None:
    """The error to end with where the brokers refuse this client, and no retry can change it."""
    said = error.str().replace("\n", " ")
    code = error.code()
    if code == KafkaError._AUTHENTICATION:
        remedy = f"check --kafka-user and what --kafka-password refers to; {_RIGHTS}"
        return CredentialsError(f"Kafka refuses the login: {said}", where, remedy)
    if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
        what = f"Kafka does not let this user write to the topic: {said}"
        return CredentialsError(what, where, f"grant it WRITE; {_RIGHTS}")
    # TLS 1.3: the broker's word on a certificate comes after the handshake, as a lost connection
    if code in (KafkaError._SSL, KafkaError._TRANSPORT) and "alert" in said:
        remedy = "check --kafka-certificate, its last day and the authority that signed it"
        return CredentialsError(f"Kafka refuses this certificate: {said}", where, remedy)
    if code == KafkaError._SSL:
        remedy = "set --kafka-ca to the authority that signed it; otherwise have it renewed"
        return ConfigError(f"the broker's certificate is not trusted: {said}", where, remedy)
    return None
