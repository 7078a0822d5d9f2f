"""How a job ends: what Kafka, Spark and HDFS report, as an error with an exit code and a next
step."""

from py4j.protocol import Py4JJavaError

import kafka_dstreams
from config.errors import (
    ConfigError,
    CredentialsError,
    DataLossRisk,
    PipelineError,
    ServiceUnreachable,
)
from consumers.driver import checkpoints
from consumers.driver.driver import Driver
from consumers.output import refusals
from consumers.output.jvm_errors import causes, innermost

_RUNBOOK = "see docs/runbook.md, exit code 3"


def of(error: kafka_dstreams.KafkaError | Py4JJavaError, driver: Driver | None) -> Exception:
    """The error that this one means for the job. `driver` is the open job; None while it is being
    opened."""
    if isinstance(error, kafka_dstreams.KafkaError):
        return _of_kafka(error, driver) or error
    reported = kafka_dstreams.error_of(error)
    known = _of_kafka(reported, driver) if reported else None
    remedy = "scripts/services status, then start again; the stack trace is above"
    return (
        known
        or _torn_log(error)
        or refusals.refusal(error)
        or refusals.login(causes(error), driver.storage.root if driver else "")
        or PipelineError(innermost(error), remedy=remedy)
    )


def _of_kafka(error: kafka_dstreams.KafkaError, driver: Driver | None) -> PipelineError | None:
    if isinstance(error, kafka_dstreams.DataLoss):
        if driver is not None and not driver.output.seq:  # a start begins where Kafka begins then
            return PipelineError(f"{error}; nothing is published yet", remedy="start again")
        return DataLossRisk(str(error), remedy=_RUNBOOK)
    if isinstance(error, kafka_dstreams.NoSuchTopic) and driver is not None:
        return DataLossRisk(f"{error}; it existed when this job started", remedy=_RUNBOOK)
    if isinstance(error, kafka_dstreams.NoSuchTopic):
        remedy = "--topic NAME; the producer creates a topic when it first publishes"
        return ConfigError(str(error), remedy=remedy)
    if isinstance(error, kafka_dstreams.Refused):
        remedy = (
            "check --kafka-user and its password, or --kafka-certificate and its last day; "
            "docs/security.md has what a job must be granted"
        )
        return CredentialsError(f"Kafka refuses this job: {error}", remedy=remedy)
    if isinstance(error, kafka_dstreams.Untrusted):
        remedy = "set --kafka-ca to the authority that signed it; otherwise have it renewed"
        return ConfigError(f"the broker's certificate is not trusted: {error}", remedy=remedy)
    if isinstance(error, kafka_dstreams.Unreachable):
        remedy = (
            "scripts/services status, or --bootstrap HOST:PORT; --kafka-security where the broker "
            "wants TLS"
        )
        return ServiceUnreachable(str(error), remedy=remedy)
    return None


def _torn_log(error: Py4JJavaError) -> ConfigError | None:
    """The error for a write-ahead log that ends within a record. It stays so: each start would fail
    at the same batch."""
    found = list(causes(error))
    if any("from write ahead log record" in text for _, text in found) and any(
        name.endswith("EOFException") for name, _ in found
    ):
        where = "receivedData/ in the job's checkpoint"
        return ConfigError("the write-ahead log is torn", where, checkpoints.ANOTHER)
    return None
