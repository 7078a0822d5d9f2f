"""The settings of a secured Kafka in the words of Kafka's Java client.

Certificates and keys are references to PEM files, the password is a reference too: Spark's
checkpoint and event log hold these parameters. Each host of a cluster needs the files at the same
paths.
"""

from pathlib import Path

import kafka_dstreams
from config import access
from config.access import Access
from config.errors import CredentialsError
from config.references import resolved
from config.settings import Settings

# what this job's exactness rests on, and the group that it names itself
_OURS = (
    "bootstrap.servers",
    "group.id",
    "isolation.level",
    "enable.auto.commit",
    "auto.offset.reset",
    "key.deserializer",
    "value.deserializer",
    "failOnDataLoss",
)
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_PROVIDERS = {
    "config.providers": "env,file,directory",
    "config.providers.directory.class": (
        "org.apache.kafka.common.config.provider.DirectoryConfigProvider"
    ),
}


def params(settings: Settings) -> dict[str, str]:
    """Kafka's parameters; the group is added when the output is known.

    Raises ConfigError, CredentialsError for settings that cannot work.
    """
    found = access.of(settings, _OURS)
    out = {"bootstrap.servers": settings.bootstrap, "isolation.level": "read_committed"}
    out |= {**of(found), **found.more}
    try:
        return kafka_dstreams.without_secrets(out)
    except ValueError as error:
        raise CredentialsError(str(error), "kafka_properties", "see docs/security.md") from None


def of_checkpoint(settings: Settings) -> dict[str, str]:
    """What of it a checkpoint freezes; empty for a plain Kafka, as in checkpoints of before."""
    plain = {"bootstrap.servers", "isolation.level"}
    return {name: text for name, text in params(settings).items() if name not in plain}


def of(found: Access) -> dict[str, str]:
    """The parameters of this access; empty for a plain one. Raises CredentialsError where the
    password is not to be had, or cannot be in a JAAS text."""
    if found.protocol == "PLAINTEXT":
        return {}
    out = {"security.protocol": found.protocol}
    if found.logs_in:
        if set(resolved(found.password)) & set('"\\'):
            what = "the password has a \" or a \\, which Kafka's Java client cannot take"
            raise CredentialsError(what, found.password, "give the user another password")
        mechanism = found.more.get("sasl.mechanism", access.MECHANISM)
        module = _PLAIN if mechanism == "PLAIN" else _SCRAM
        out["sasl.mechanism"] = mechanism
        out["sasl.jaas.config"] = (
            f'{module} required username="{found.user}" password="{found.password}";'
        )
    if found.ca:
        out |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": found.ca}
    if found.certificate:
        out |= _PROVIDERS
        out["ssl.keystore.type"] = "PEM"
        out["ssl.keystore.certificate.chain"] = _content(found.certificate)
        out["ssl.keystore.key"] = _content(found.key)
    return out


def _content(path: str) -> str:
    """A reference to all that is in the file: one place for certificate and key is what Java's
    stores want, and the usual files are two."""
    return f"${{directory:{Path(path).parent}:{Path(path).name}}}"
