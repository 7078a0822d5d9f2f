"""How the audit reaches a secured Kafka and HDFS: the flags and variables of the other programs, in
kafka-python's words. Nothing here is shared with the programs that are judged."""

import argparse
import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

SETTINGS = {
    "security": "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    "user": "log in to Kafka as this user, by SCRAM-SHA-512",
    "password": "where its password is: ${env:NAME} or ${file:/PATH:KEY}, never the password",
    "ca": "PEM file of the authorities that sign the brokers' certificates",
    "certificate": "PEM file of this client's certificate and its chain",
    "key": "PEM file of that certificate's private key",
}
LOGIN = {
    "principal": "HDFS with Kerberos: who the audit is, NAME@REALM; empty is kinit's ticket",
    "keytab": "the file with that principal's keys, mode 400",
}
_REFERENCE = re.compile(r"\$\{(env|file):([^${}]+)\}")
_SECRET = re.compile(r".*(password|secret|token)")


class Refused(Exception):
    """The settings cannot work (exit code 2), or a secret is not to be had (exit code 5)."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what)
        self.code = code


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags, each with its variable as the default."""
    for name, told in SETTINGS.items():
        parser.add_argument(
            f"--kafka-{name}",
            default=os.environ.get(f"TWEETS_KAFKA_{name.upper()}", ""),
            help=f"{told} (TWEETS_KAFKA_{name.upper()})",
        )
    for name, told in LOGIN.items():
        parser.add_argument(
            f"--{name}",
            default=os.environ.get(f"TWEETS_{name.upper()}", ""),
            help=f"{told} (TWEETS_{name.upper()})",
        )
    parser.add_argument(
        "-X",
        dest="kafka_properties",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a further property of kafka-python's consumer; a secret as a reference",
    )


def properties(given: argparse.Namespace) -> dict[str, Any]:
    """kafka-python's properties; empty for a plain Kafka. Raises Refused."""
    protocol = given.kafka_security or "PLAINTEXT"
    if protocol not in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"):
        raise Refused(f"--kafka-security cannot be {protocol}", 2)
    found: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL") and given.kafka_user:
        found |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": given.kafka_user,
            "sasl_plain_password": resolved(given.kafka_password),
        }
    names = {"ca": "ssl_cafile", "certificate": "ssl_certfile", "key": "ssl_keyfile"}
    for name, theirs in names.items():
        path = getattr(given, f"kafka_{name}")
        if path and not Path(path).is_file():
            raise Refused(f"--kafka-{name}: there is no file {path}", 2)
        if path:
            found[theirs] = path
    for pair in given.kafka_properties:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Refused(f"-X wants NAME=VALUE, not {name}", 2)
        text = resolved(value) if _SECRET.fullmatch(name) else value
        found[name.replace(".", "_")] = int(text) if text.isdecimal() else text
    return found


def is_secured(login: Mapping[str, Any]) -> bool:
    """Whether Kafka knows who asks."""
    return bool(login.get("security_protocol", "PLAINTEXT") != "PLAINTEXT")


@contextmanager
def explained(login: Mapping[str, Any]) -> Iterator[None]:
    """Raises Refused for a connection that a refusal has ended: kafka-python tries such a one again
    until its time is up, and says why only in its log."""
    heard = _Heard()
    log = logging.getLogger("kafka")
    log.addHandler(heard)
    try:
        yield
    except KafkaError:
        if "CERTIFICATE_VERIFY_FAILED" in heard.text:
            raise Refused("the broker's certificate is not trusted: set --kafka-ca", 2) from None
        if "ALERT" in heard.text:
            what = "Kafka refuses this certificate: check --kafka-certificate and its last day"
            raise Refused(what, 5) from None
        if "sasl_plain_username" in login and "socket disconnected" in heard.text:
            what = "Kafka ends the connection at the login: check --kafka-user and its password"
            raise Refused(what, 5) from None
        raise
    finally:
        log.removeHandler(heard)


class _Heard(logging.Handler):
    """Keeps what is said, up to a limit."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.text) < 100_000:
            self.text += f"{record.getMessage()}\n"


def resolved(reference: str) -> str:
    """What the reference stands for. Raises Refused for a text that is none, or leads nowhere."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise Refused("a password is given as ${env:NAME} or ${file:/PATH:KEY}, not in clear", 5)
    if found[1] == "env":
        value = os.environ.get(found[2], "")
    else:
        path, _, key = found[2].rpartition(":")
        value = _entry(Path(path), key)
    if not value:
        raise Refused(f"{reference} leads to no secret", 5)
    return value


def _entry(file: Path, key: str) -> str:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise Refused(f"others than its owner may read {file}: chmod 400 it", 5)
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}", 5) from None
    pairs = (line.partition("=") for line in lines)
    entries = {name.strip(): value.strip() for name, _, value in pairs}
    return re.sub(r"\\(.)", r"\1", entries.get(key, ""))
