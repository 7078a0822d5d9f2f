"""Kafka parameters of the Spark 1.3-2.4 years in the words of today's client, and where the brokers
are without ZooKeeper."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

LOG = logging.getLogger("kafka_dstreams")

_RENAMED = {
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "fetch.wait.max.ms": "fetch.max.wait.ms",
    "socket.receive.buffer.bytes": "receive.buffer.bytes",
    "socket.timeout.ms": "request.timeout.ms",
    "refresh.leader.backoff.ms": "retry.backoff.ms",
}
_DROPPED = re.compile(
    r"zookeeper\..*|rebalance\..*|offsets\.(storage|channel\..*|commit\.max\.retries)|dual\.commit\.enabled"
    r"|queued\.max\.message\.chunks|num\.consumer\.fetchers|consumer\.(timeout\.ms|id)|(key\.)?serializer\.(class|encoding)"
)
_SET_BY_CREATE_STREAM = ("zookeeper.connect", "zookeeper.connection.timeout.ms")
_AUTO_COMMIT = ("auto.commit.enable", "enable.auto.commit")
_ASSIGNORS = {"range": "RangeAssignor", "roundrobin": "RoundRobinAssignor"}
# Those of ConsumerConfig and AdminClientConfig whose type is PASSWORD;
# tests/on_spark/exactness_cases.py asks Kafka.
SECRETS = frozenset(
    {
        "sasl.jaas.config",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.client.credentials.client.secret",
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.password",
        "ssl.truststore.certificates",
        "ssl.truststore.password",
    }
)
# parameters of plug-ins
_LIKE_A_SECRET = re.compile(r".*(password|passphrase|secret|token)")
_REFERENCE = re.compile(r"\$\{\w+:[^${}]+\}")
_JAAS_OPTION = re.compile(r"""([^\s=;"']+)\s*=\s*("[^"]*"|'[^']*'|[^\s;]+)""")
# What a login module may be told in clear; everything else may be a secret under any name.
_JAAS_IN_CLEAR = frozenset(
    "username serviceName principal useKeyTab keyTab storeKey refreshKrb5Config useTicketCache "
    "ticketCache renewTGT doNotPrompt "
    "isInitiator debug tokenauth clientId scope".lower().split()
)
_CREDENTIALS_IN_URL = re.compile(r"://[^/\s@]*:[^/\s@]*@")
# Kafka's default.api.timeout.ms, which may not be below request.timeout.ms
_API_TIMEOUT_MS = 60_000
_told: set[str] = set()


def translate(params: Mapping[str, Any]) -> dict[str, str]:
    """Old or new Kafka parameters as today's client takes them; always with an `auto.offset.reset`,
    latest unless asked for.

    Names that no longer mean anything are dropped, with one warning each. Raises ValueError for a
    secret in clear.
    """
    given = {str(name): text(value) for name, value in params.items() if value is not None}
    out: dict[str, str] = {}
    for name, value in given.items():
        if name in _AUTO_COMMIT or name == "metadata.broker.list":
            continue
        if _DROPPED.fullmatch(name):
            if name not in _SET_BY_CREATE_STREAM:
                tell_once(
                    f"kafkaParams: {name} means nothing to today's Kafka client and is left out"
                )
        else:
            out.setdefault(_RENAMED.get(name, name), value) if name in _RENAMED else out.update(
                {name: value}
            )
    if any(given.get(name, "").lower() == "true" for name in _AUTO_COMMIT):
        tell_once(
            "kafkaParams: auto commit is off, offsets are acknowledged after the records have "
            "been stored"
        )
    if "metadata.broker.list" in given:
        out["bootstrap.servers"] = given["metadata.broker.list"]
    reset = given.get("auto.offset.reset", "").lower()
    out["auto.offset.reset"] = "earliest" if reset in ("smallest", "earliest") else "latest"
    strategy = out.get("partition.assignment.strategy", "").lower()
    if strategy in _ASSIGNORS:
        out["partition.assignment.strategy"] = (
            f"org.apache.kafka.clients.consumer.{_ASSIGNORS[strategy]}"
        )
    if int(out.get("request.timeout.ms", 0)) > _API_TIMEOUT_MS:
        out.setdefault("default.api.timeout.ms", out["request.timeout.ms"])
    return without_secrets(out)


def without_secrets(params: Mapping[str, Any]) -> dict[str, str]:
    """The parameters as texts. Raises ValueError for a secret in clear: it would be written into
    every checkpoint.

    Kafka's own table says which parameters are secrets. A reference is the whole value, in JAAS the
    whole value of an option.

    >>> without_secrets({"ssl.key.password": "${env:KEY_PASSWORD}"})
    {'ssl.key.password': '${env:KEY_PASSWORD}'}
    >>> without_secrets({"ssl.key.password": "1234"})
    Traceback (most recent call last):
    ValueError: kafkaParams: ssl.key.password holds a secret in clear, ...
    """
    out = {name: text(value) for name, value in params.items()}
    for name, value in out.items():
        if _in_clear(name.lower(), value):
            raise ValueError(
                f"kafkaParams: {name} holds a secret in clear, which checkpoints and logs would "
                f"show; write ${{env:NAME}} for "
                "a variable of the environment or ${file:/PATH/FILE.properties:KEY} for an entry "
                "of a file in the secret's place"
            )
    return out


def _in_clear(name: str, value: str) -> bool:
    if _REFERENCE.fullmatch(value):
        return False
    if name.endswith("sasl.jaas.config"):
        options = [(key.lower(), given.strip("\"'")) for key, given in _JAAS_OPTION.findall(value)]
        return any(
            key not in _JAAS_IN_CLEAR and not _REFERENCE.fullmatch(given) for key, given in options
        )
    return (
        name in SECRETS
        or bool(_LIKE_A_SECRET.fullmatch(name))
        or bool(_CREDENTIALS_IN_URL.search(value))
    )


def brokers(params: Mapping[str, Any], spark_conf: Mapping[str, str], zk_quorum: str) -> str:
    """The brokers for a script that knows ZooKeeper's address only: "host:port,…". One warning says
    where they come from."""
    for name in ("metadata.broker.list", "bootstrap.servers"):
        if params.get(name):
            return _from(f"kafkaParams[{name!r}]", text(params[name]), zk_quorum)
    for origin, table in (
        ("spark.kafka.bootstrap.servers", spark_conf),
        ("KAFKA_BOOTSTRAP_SERVERS", os.environ),
    ):
        if table.get(origin):
            return _from(origin, table[origin], zk_quorum)
    hosts = [
        host.strip() for host in (zk_quorum or "").partition("/")[0].split(",") if host.strip()
    ]
    found = [
        re.sub(r":2181$", ":9092", host if re.search(r":\d+$", host) else f"{host}:9092")
        for host in hosts
    ]
    return _from(
        "the ZooKeeper quorum's hosts (port 2181 becomes 9092)", ",".join(found), zk_quorum
    )


def _from(origin: str, found: str, zk_quorum: str) -> str:
    tell_once(
        f"Kafka no longer has ZooKeeper: instead of {zk_quorum} the brokers are {found}, from "
        f"{origin}"
    )
    return found


def text(value: Any) -> str:
    """A parameter's value as Kafka reads it: true, false, a comma between the parts of a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple, set)):
        return ",".join(map(text, value))
    return value.decode() if isinstance(value, bytes) else str(value)


def tell_once(message: str) -> None:
    """Warn of something, once in this process."""
    if message not in _told:
        _told.add(message)
        LOG.warning(message)
