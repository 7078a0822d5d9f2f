"""How a program reaches a secured Kafka: the same few settings for producer and jobs.

Each client has its own names for them: `producer/publishing/access.py` and
`consumers/driver/access.py` say which. `audit/access.py` takes the same settings by itself.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.errors import ConfigError, CredentialsError
from config.references import is_reference, names_secret, properties
from config.settings import Setting

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISM = "SCRAM-SHA-512"  # unless a property says another one
SETTINGS = (
    Setting("kafka_security", "PLAINTEXT", "how Kafka is reached", choices=PROTOCOLS),
    Setting("kafka_user", "", f"log in to Kafka as this user, by {MECHANISM}"),
    Setting(
        "kafka_password",
        "",
        "where its password is: ${env:NAME} or ${file:/PATH:KEY}; never the password itself",
    ),
    Setting("kafka_ca", "", "PEM file of the authorities that sign the brokers' certificates"),
    Setting("kafka_certificate", "", "PEM file of this client's certificate and its chain"),
    Setting("kafka_key", "", "PEM file of its private key (PKCS#8), mode 400"),
    Setting(
        "kafka_properties",
        "",
        "more properties of the Kafka client, NAME=VALUE[,…]; a secret as a reference",
        short="-X",
    ),
    Setting("kafka_properties_file", "", "a properties file of the same; -X overrides an entry"),
)
_CERTIFICATE, _KEY, _LOCKED = (
    f"-----BEGIN {what}-----" for what in ("CERTIFICATE", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
)


@dataclass(frozen=True)
class Access:
    """What the settings say; `password` is a reference, `more` are the client's own properties."""

    protocol: str = "PLAINTEXT"
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def logs_in(self) -> bool:
        """Whether the client says who it is by a name and a password."""
        return self.protocol.startswith("SASL") and bool(self.user)


def of(settings: Any, ours: Iterable[str]) -> Access:
    """The access that the settings describe; `ours` are the properties that no user may set.

    Raises ConfigError for settings that do not fit each other, CredentialsError for a secret that
    stands in clear or that others may read.
    """
    access = Access(
        settings.kafka_security,
        settings.kafka_user,
        settings.kafka_password,
        _absolute(settings.kafka_ca),
        _absolute(settings.kafka_certificate),
        _absolute(settings.kafka_key),
        more=_properties(settings, frozenset(ours)),
    )
    if access.password and not is_reference(access.password):
        raise CredentialsError(
            "kafka_password wants a reference, not the password",
            settings.origins["kafka_password"],
            "'${env:NAME}' or '${file:/PATH:KEY}', in quotes; change a password that was typed",
        )
    _check_parts(access)
    for name in ("ca", "certificate"):
        _check_file(f"kafka_{name}", getattr(access, name), (_CERTIFICATE,))
    _check_file("kafka_key", access.key, (_KEY, _LOCKED))
    if access.key and Path(access.key).stat().st_mode & 0o077:
        raise CredentialsError(
            "others than its owner may read the key", access.key, f"chmod 400 {access.key}"
        )
    return access


def _check_parts(access: Access) -> None:
    """Raises ConfigError for settings that mean nothing without another one."""
    tls, sasl = access.protocol.endswith("SSL"), access.protocol.startswith("SASL")
    wrong = (
        ("kafka_user and kafka_password go together", bool(access.user) != bool(access.password)),
        (
            "kafka_certificate and kafka_key go together",
            bool(access.certificate) != bool(access.key),
        ),
        ("kafka_user wants kafka_security SASL_SSL", bool(access.user) and not sasl),
        (
            "kafka_ca and kafka_certificate want kafka_security SSL or SASL_SSL",
            bool(access.ca or access.certificate) and not tls,
        ),
        (
            f"{access.protocol} wants kafka_user",
            sasl and not access.user and not any(name.startswith("sasl") for name in access.more),
        ),
    )
    for what, is_so in wrong:
        if is_so:
            raise ConfigError(what, "the settings", "see docs/security.md")


def _check_file(name: str, path: str, beginnings: tuple[str, ...]) -> None:
    if not path:
        return
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{name} cannot be read ({type(error).__name__})", path, "give the path of a PEM file"
        ) from None
    if not any(beginning in text for beginning in beginnings):
        remedy = "openssl pkcs8 -topk8 -nocrypt makes PKCS#8" if name == "kafka_key" else "see docs"
        raise ConfigError(f"{name} has no line {beginnings[0]}", path, remedy)


def _properties(settings: Any, ours: frozenset[str]) -> dict[str, str]:
    """The client's own properties: the file's, and over them those of -X."""
    found = {}
    if settings.kafka_properties_file:
        found = properties(Path(_absolute(settings.kafka_properties_file)))
    found |= pairs(settings.kafka_properties)
    for name, value in found.items():
        if name in ours:
            raise ConfigError(
                f"{name} is set by this program",
                "kafka_properties",
                "leave it out, or use its flag",
            )
        if names_secret(name) and not (is_reference(value) or value in ("true", "false")):
            raise CredentialsError(
                f"{name} holds a secret in clear",
                "kafka_properties",
                "${env:NAME}, ${file:/PATH:KEY}",
            )
    return found


def pairs(text: str) -> dict[str, str]:
    """The properties in "NAME=VALUE,NAME=VALUE"; a comma that no NAME= follows belongs to the
    value. Raises ConfigError for a part that is no such pair."""
    found = {}
    for part in filter(None, (one.strip() for one in re.split(r",(?=\s*[\w.]+=)", text))):
        name, equals, value = part.partition("=")
        if not equals or not re.fullmatch(r"[\w.-]+", name):
            raise ConfigError(f"not NAME=VALUE: {name}", "kafka_properties", "-X NAME=VALUE")
        found[name] = value
    return found


def _absolute(path: str) -> str:
    """The path as executors and other working directories find it."""
    return str(Path(path).absolute()) if path else ""
