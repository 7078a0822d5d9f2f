# ruff: noqa: E402, ARG005  the connector is found where Spark's scripts find it; arguments are
# there to be counted
"""The connector's Python half without Spark or Kafka: value classes, parameters, frames, how
functions are called."""

import ast
import functools
import logging
import os
import pickle
import re
import struct
import subprocess
import sys
import types
from pathlib import Path

import pytest
from pyspark import cloudpickle

ROOT = Path(__file__).resolve().parents[3]

from kafka_dstreams import params
from kafka_dstreams.dstreams import _arity, _OfTheScript
from kafka_dstreams.frames import RecordWithHeaders, decode
from kafka_dstreams.streams import OffsetRange
from kafka_dstreams.values import Broker, KafkaMessageAndMetadata, TopicAndPartition, utf8_decoder


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(params, "_told", set())


def test_offset_range_is_what_it_was() -> None:
    span = OffsetRange("t", 0, 0, 10)
    assert (span.topic, span.partition, span.fromOffset, span.untilOffset) == ("t", 0, 0, 10)
    assert span == OffsetRange("t", 0, 0, 10) and span != OffsetRange("t", 0, 0, 11)
    assert str(span) == "OffsetRange(topic: t, partition: 0, range: [0 -> 10]"
    assert pickle.loads(pickle.dumps(span)) == span


def test_topic_and_partition_is_a_key() -> None:
    assert {TopicAndPartition("t", 1): 5}[TopicAndPartition("t", 1)] == 5
    assert TopicAndPartition("t", 1) != TopicAndPartition("t", 2) and TopicAndPartition("t", 1) != (
        "t",
        1,
    )
    assert Broker("h", 1) != Broker("h", 1)


def test_a_message_decodes_at_each_access_and_pickles_raw() -> None:
    calls: list[bytes | None] = []
    message = KafkaMessageAndMetadata("t", 1, 2, b"k", b"v")
    message._set_value_decoder(lambda raw: calls.append(raw) or len(calls))
    assert (message.message, message.message, message.key) == (1, 2, "k")
    assert (
        str(message)
        == repr(message)
        == "KafkaMessageAndMetadata(topic: t, partition: 1, offset: 2, key and message...)"
    )
    assert pickle.loads(pickle.dumps(message)).message == "v"


def test_utf8_decoder() -> None:
    assert (utf8_decoder(None), utf8_decoder(b""), utf8_decoder(bytearray(b"\xc3\xbc"))) == (
        None,
        "",
        "ü",
    )
    with pytest.raises(UnicodeDecodeError):
        utf8_decoder(b"\xff")


def test_old_parameters_in_todays_words() -> None:
    assert params.translate(
        {
            "metadata.broker.list": ["a:1", "b:2"],
            "bootstrap.servers": "c:3",
            "auto.offset.reset": "Smallest",
            "auto.commit.enable": "true",
            "fetch.message.max.bytes": 5,
            "fetch.wait.max.ms": "7",
            "socket.receive.buffer.bytes": 65536,
            "socket.timeout.ms": "90000",
            "refresh.leader.backoff.ms": 9,
            "partition.assignment.strategy": "roundrobin",
            "check.crcs": True,
            "client.id": None,
            "zookeeper.session.timeout.ms": "1",
            "offsets.storage": "kafka",
            "serializer.class": "x",
        }
    ) == {
        "bootstrap.servers": "a:1,b:2",
        "auto.offset.reset": "earliest",
        "max.partition.fetch.bytes": "5",
        "fetch.max.wait.ms": "7",
        "receive.buffer.bytes": "65536",
        "request.timeout.ms": "90000",
        "default.api.timeout.ms": "90000",
        "retry.backoff.ms": "9",
        "partition.assignment.strategy": "org.apache.kafka.clients.consumer.RoundRobinAssignor",
        "check.crcs": "true",
    }
    assert params.translate({"auto.offset.reset": "earliest"}) == {"auto.offset.reset": "earliest"}
    assert (
        params.translate({"auto.offset.reset": "smalest"})
        == params.translate({})
        == {"auto.offset.reset": "latest"}
    )
    both = {"fetch.message.max.bytes": 5, "max.partition.fetch.bytes": 6}
    assert params.translate(both) == params.translate(dict(reversed(both.items())))


def test_what_is_left_out_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        params.translate(
            {
                "queued.max.message.chunks": "2",
                "zookeeper.connect": "z",
                "rebalance.max.retries": "1",
            }
        )
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [message.split()[1] for message in told] == [
        "queued.max.message.chunks",
        "rebalance.max.retries",
    ]


@pytest.mark.parametrize(
    ("given", "conf", "environ", "zk", "want"),
    [
        ({"bootstrap.servers": "k:1", "metadata.broker.list": "m:2"}, {}, "", "z:2181", "m:2"),
        (
            {"bootstrap.servers": "k:1"},
            {"spark.kafka.bootstrap.servers": "s:3"},
            "e:4",
            "z:2181",
            "k:1",
        ),
        ({}, {"spark.kafka.bootstrap.servers": "s:3"}, "e:4", "z:2181", "s:3"),
        ({}, {}, "e:4", "z:2181", "e:4"),
        ({}, {}, "", "z1:2181, z2,z3:9093/chroot", "z1:9092,z2:9092,z3:9093"),
    ],
)
def test_brokers_without_zookeeper(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    given: dict[str, str],
    conf: dict[str, str],
    environ: str,
    zk: str,
    want: str,
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", environ)
    assert params.brokers(given, conf, zk) == want
    assert [
        f"instead of {zk} the brokers are {want}, from" in record.getMessage()
        for record in caplog.records
    ] == [True]


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("ssl.key.password", "hunter2", True),
        ("ssl.key.password", "${env:KEY_PASSWORD}", False),
        ("ssl.keystore.key", "-----BEGIN", True),
        ("sasl.oauthbearer.client.credentials.client.secret", "hunter2", True),
        ("sasl.jaas.config", 'x.PlainLoginModule required username="u" password="hunter2";', True),
        ("sasl.jaas.config", "x.PlainLoginModule required username='u' password='hunter2';", True),
        (
            "sasl.jaas.config",
            'x.PlainLoginModule required username="u" password="${env:P}";',
            False,
        ),
        ("sasl.jaas.config", "${file:/etc/kafka/secrets.properties:jaas}", False),
        (
            "sasl.jaas.config",
            'x.Krb5LoginModule required useKeyTab=true keyTab="/k" principal="p";',
            False,
        ),
        ("ssl.keystore.location", "/etc/keystore", False),
        ("SSL.KEY.PASSWORD", "hunter2", True),
        ("ssl.key.password", "hunter2${env:", True),
        ("ssl.key.password", "${env:A}hunter2", True),
        ("sasl.oauthbearer.assertion.private.key.passphrase", "hunter2", True),
        ("sasl.oauthbearer.token.endpoint.url", "https://u:hunter2@h/token", True),
        ("sasl.oauthbearer.token.endpoint.url", "https://h:443/token?a=u@h", False),
        ("sasl.oauthbearer.token.endpoint.url", "${env:URL}", False),
        ("my.plugin.token", "hunter2", True),
        (
            "sasl.jaas.config",
            'x.OAuthBearerLoginModule required oauth.refresh.token="hunter2";',
            True,
        ),
        (
            "sasl.jaas.config",
            'x.OAuthBearerLoginModule required oauth.access.token="${env:T}" clientId="c" '
            'scope="s";',
            False,
        ),
        ("sasl.jaas.config", "x.IAMLoginModule required awsSecretKey=hunter2;", True),
        ("sasl.jaas.config", "x.M required secretKey = 'hunter2';", True),
        ("sasl.jaas.config", 'x.M required apikey="a${env:P}hunter2";', True),
        ("sasl.jaas.config", 'x.M required username="u" password="hunter2', True),
        ("listener.name.x.sasl.jaas.config", 'x.M required PASSWORD="hunter2";', True),
    ],
)
def test_secrets_in_clear_are_refused(name: str, value: str, refused: bool) -> None:
    if refused:
        with pytest.raises(ValueError, match=re.escape(name)) as caught:
            params.translate({name: value})
        assert "hunter2" not in str(caught.value)
    else:
        assert params.translate({name: value})[name] == value


def frame(flags: int, *tail: bytes) -> bytes:
    head = struct.pack("<4siiiq", b"KFR1", 2, 3, 1, flags) + struct.pack(
        "<2q2q2i2i", 7, 9, 100, 101, 1, -1, 0, 2
    )
    return head + b"t" + b"k" + b"vv" + b"".join(tail)


def test_a_frame_with_and_without_headers() -> None:
    assert decode(frame(0)).records() == [
        ("t", 3, 7, 100, b"k", b""),
        ("t", 3, 9, 101, None, b"vv"),
    ]
    headers = (
        struct.pack("<ii", 2, 1)
        + b"h"
        + struct.pack("<i", -1)
        + struct.pack("<i", 1)
        + b"h"
        + struct.pack("<i", 2)
        + b"xy"
    )
    rows = decode(frame(1, headers, struct.pack("<i", 0))).records()
    assert rows == [
        RecordWithHeaders("t", 3, 7, 100, b"k", b"", [("h", None), ("h", b"xy")]),
        RecordWithHeaders("t", 3, 9, 101, None, b"vv", []),
    ]


class Things:
    def one(self, rdd: object) -> None: ...
    def two(self, time: object, rdd: object) -> None: ...
    def __call__(self, rdd: object, often: bool = False) -> None: ...


def both(a: object, b: object) -> None: ...


def test_how_many_arguments_a_function_is_called_with() -> None:
    things = Things()
    assert [
        _arity(f)
        for f in (
            things.one,
            things,
            functools.partial(both, 1),
            functools.partial(both, b=1),
            print,
        )
    ] == [1] * 5
    # the last one as 2.4 had it
    assert [_arity(f) for f in (things.two, both, lambda rdd, later=1: rdd)] == [2] * 3
    assert _arity(lambda a, b, c: a) == 3


def test_recovered_functions_share_the_scripts_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    script = types.ModuleType("__main__")
    source = (
        "seen = [0]\nfactor = 2\ndef fill(n):\n    global seen\n    seen = [n]\ndef read(_, "
        "__):\n    return seen, factor"
    )
    exec(source, script.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", script)
    pickled = [cloudpickle.dumps(_OfTheScript(getattr(script, name))) for name in ("fill", "read")]
    del script.factor  # what the script has no more comes from the checkpoint
    fill, read = map(cloudpickle.loads, pickled)
    fill(7)
    assert read(None, None) == ([7], 2) and script.seen == [7]


def test_the_old_name_can_be_asked_for_where_nothing_runs_at_pythons_start() -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT / "connector")!r})
try:
    import pyspark.streaming.kafka
    sys.exit("it was there already")
except ImportError:
    import kafka_dstreams.compat
from pyspark.streaming.kafka import KafkaUtils
import pyspark
assert pyspark.streaming.kafka.KafkaUtils is KafkaUtils is kafka_dstreams.KafkaUtils
"""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True)


def test_the_wheel_and_the_repository_want_the_same_kafka_client() -> None:
    setup = (ROOT / "connector" / "setup.py").read_text(encoding="utf-8")
    digest, coordinate = (
        (ROOT / "config" / "jars" / "connector.lock")
        .read_text(encoding="utf-8")
        .splitlines()[-1]
        .split()
    )
    assert f'"{coordinate}"' in setup and f'"{digest}"' in setup


def test_the_java_half_stays_small() -> None:
    java = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "connector" / "java").rglob("*.java")
    )
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", java, flags=re.DOTALL).splitlines()
    assert (
        sum(1 for line in code if line.strip() and not line.startswith(("import ", "package ")))
        <= 1254 + 170 + 20  # Java 11 has no records; sources in Python; BlockLength
    )


def test_the_python_half_stays_small() -> None:
    def code(source: str) -> int:
        """Its lines that are no import, comment, docstring or blank."""
        lines = {
            n
            for n, line in enumerate(source.splitlines(), 1)
            if line.strip() and not line.strip().startswith("#")
        }
        for node in ast.walk(ast.parse(source)):
            first = (
                node.body[0]
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body
                else node
            )
            said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if said or isinstance(node, (ast.Import, ast.ImportFrom)):
                lines -= set(range(first.lineno, (first.end_lineno or 0) + 1))
        return len(lines)

    assert (
        500
        < sum(code(path.read_text(encoding="utf-8")) for path in (ROOT / "connector").rglob("*.py"))
        <= 972 + 600  # sources in Python
    )
