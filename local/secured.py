"""`scripts/services start --secure`: brokers that ask who is there, and grant no more than is
needed.

Each program is a user of its own: the producer and the audit log in by SCRAM over TLS, the jobs
come with a certificate. docs/security.md shows the same for a cluster.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from config.errors import ConfigError
from config.settings import Settings
from local import kerberos
from local.certificates import Authority

HOST = "127.0.0.1"
PASSWORDS = ("producer", "audit")  # the users that log in by name
BROKER, ADMIN, JOBS = "broker", "admin", "jobs"  # the certificates' names


class Right(NamedTuple):
    """What a principal may do with a `kind` (TOPIC, GROUP) of this name or, prefixed, of names
    that begin so."""

    principal: str
    kind: str
    name: str
    operation: str
    prefixed: bool = False


def rights(topic: str = "*", groups: Iterable[str] = ("direct-", "receiver_based-")) -> list[Right]:
    """All that the three programs need; `groups` are the beginnings of the jobs' groups."""
    return [
        Right("User:producer", "TOPIC", topic, "WRITE"),
        Right("User:producer", "TOPIC", topic, "CREATE"),  # unless the topic is made beforehand
        Right("User:producer", "TOPIC", topic, "DESCRIBE_CONFIGS"),  # its largest record
        Right(f"User:CN={JOBS}", "TOPIC", topic, "READ"),
        *(Right(f"User:CN={JOBS}", "GROUP", group, "READ", prefixed=True) for group in groups),
        Right("User:audit", "TOPIC", topic, "READ"),
        Right("User:audit", "TOPIC", topic, "DESCRIBE_CONFIGS"),  # whether it is compacted
    ]


def folder(home: Path) -> Path:
    """Where the keys and passwords of this home are; for their owner only."""
    return home / "secrets"


def prepare(home: Path) -> None:
    """Make the certificates and passwords that are not there yet."""
    authority = Authority(folder(home))
    certificate, key = authority.issue(BROKER, HOST, "localhost")
    for name in (ADMIN, JOBS):
        authority.issue(name)
    authority.issue("hdfs", HOST, "localhost")
    authority.java_store("hdfs", kerberos.PASSWORD)
    both = folder(home) / "broker-both.pem"  # what a Java store wants: key and chain in one file
    if not both.exists():
        _write(both, key.read_text() + certificate.read_text())
    file = folder(home) / "passwords.properties"
    if not file.exists():
        _write(file, "".join(f"{user}={secrets.token_urlsafe(24)}\n" for user in PASSWORDS))


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o400)


def listeners(settings: Settings, home: Path, number: int) -> str:
    """The lines of one broker's server.properties about its listeners, and about who may what."""
    login, tls, controller = (
        f"{HOST}:{port + number - 1}"
        for port in (settings.kafka_port, settings.kafka_tls_port, settings.controller_port)
    )
    keys = f"{folder(home)}{os.sep}"
    return f"""listeners=LOGIN://{login},TLS://{tls},CONTROLLER://{controller}
advertised.listeners=LOGIN://{login},TLS://{tls}
listener.security.protocol.map=LOGIN:SASL_SSL,TLS:SSL,CONTROLLER:SSL
inter.broker.listener.name=TLS
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.login.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.client.auth=required
listener.name.login.ssl.client.auth=none
ssl.keystore.type=PEM
ssl.keystore.location={keys}broker-both.pem
ssl.truststore.type=PEM
ssl.truststore.location={keys}ca.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:CN={BROKER};User:CN={ADMIN}
"""


def client(home: Path, name: str = ADMIN) -> dict[str, Any]:
    """kafka-python's properties of a client that comes with this certificate."""
    return {
        "security_protocol": "SSL",
        "ssl_cafile": str(folder(home) / "ca.pem"),
        "ssl_certfile": str(folder(home) / f"{name}.pem"),
        "ssl_keyfile": str(folder(home) / f"{name}-key.pem"),
    }


def grant(settings: Settings, home: Path) -> None:
    """Make the users known to the running brokers, and grant them what they need."""
    from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

    file = folder(home) / "passwords.properties"
    entries = dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())
    mechanism = ScramMechanism.SCRAM_SHA_512
    users = [UserScramCredentialUpsertion(name, mechanism, entries[name]) for name in PASSWORDS]
    admin = KafkaAdminClient(**client(home), bootstrap_servers=f"{HOST}:{settings.kafka_tls_port}")
    try:
        refused = [why for why in admin.alter_user_scram_credentials(users).values() if why]
        if refused:
            raise ConfigError(f"the brokers take no users: {refused[0]}", str(home), "clean, start")
        allow(admin, rights())
    finally:
        admin.close()


def allow(admin: Any, wanted: list[Right]) -> None:
    """Grant these rights; what is granted already stays."""
    admin.create_acls([_acl(right) for right in wanted])


def forbid(admin: Any, unwanted: list[Right]) -> None:
    """Take these rights back."""
    from kafka.admin import ACLFilter

    acls = (_acl(right) for right in unwanted)
    admin.delete_acls([
        ACLFilter(a.principal, a.host, a.operation, a.permission_type, a.resource_pattern)
        for a in acls
    ])  # fmt: skip


def _acl(right: Right) -> Any:
    from kafka import admin

    pattern = admin.ACLResourcePatternType.PREFIXED if right.prefixed else None
    return admin.ACL(
        right.principal,
        "*",
        admin.ACLOperation[right.operation],
        admin.ACLPermissionType.ALLOW,
        admin.ResourcePattern(
            admin.ResourceType[right.kind],
            right.name,
            pattern or admin.ACLResourcePatternType.LITERAL,
        ),
    )


def variables(settings: Settings, home: Path, user: str) -> dict[str, str]:
    """The variables with which a program is this user, for Kafka and for HDFS."""
    keys = folder(home)
    # what another user has set must not stay
    found = dict.fromkeys(
        (f"KAFKA_{name}" for name in ("USER", "PASSWORD", "CERTIFICATE", "KEY")), ""
    )
    found["KAFKA_CA"] = str(keys / "ca.pem")
    if user == JOBS:
        port = settings.kafka_tls_port
        found |= {"KAFKA_SECURITY": "SSL", "KAFKA_CERTIFICATE": str(keys / f"{JOBS}.pem")}
        found["KAFKA_KEY"] = str(keys / f"{JOBS}-key.pem")
    elif user in PASSWORDS:
        port = settings.kafka_port
        found |= {"KAFKA_SECURITY": "SASL_SSL", "KAFKA_USER": user}
        found["KAFKA_PASSWORD"] = f"${{file:{keys}/passwords.properties:{user}}}"
    else:
        users = ", ".join((*PASSWORDS, JOBS))
        raise ConfigError(
            "a secured set has users of its own", "scripts/services env", f"name one: {users}"
        )
    found["BOOTSTRAP"] = f"{HOST}:{port}"
    known = user in kerberos.USERS
    found["PRINCIPAL"] = kerberos.principal(user) if known else ""
    found["KEYTAB"] = str(kerberos.keytab(home, user)) if known else ""
    return {
        **{f"TWEETS_{name}": value for name, value in found.items()},
        "HADOOP_CONF_DIR": str(kerberos.client_folder(home)),
        "KRB5_CONFIG": str(kerberos.krb5_conf(home)),
    }
