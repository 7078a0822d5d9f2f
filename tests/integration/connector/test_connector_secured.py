"""The connector on a broker with SASL and TLS: it reads, and the secrets are nowhere but with
Kafka's clients; far offsets."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kit.other_spark import SUBMIT
from tests.kit.secured_broker import FAR, FAR_RECORDS, Broker, secured_broker

JAAS = (
    'org.apache.kafka.common.security.{} required username="ann" '
    'password="${{env:KAFKA_PASSWORD}}";'
)
SCRAM = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "SCRAM-SHA-256",
    "sasl.jaas.config": JAAS.format("scram.ScramLoginModule"),
}
PLAIN = {
    **SCRAM,
    "sasl.mechanism": "PLAIN",
    "sasl.jaas.config": JAAS.format("plain.PlainLoginModule"),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A secured broker with the topic t of 30 records, and the topic far."""
    with secured_broker(tmp_path_factory.mktemp("secured")) as made:
        made.topic("t", 30)
        made.topic("far", 1)
        made.move_far("far")
        yield made


def submit(
    script: str, *words: str, password: str = "", **conf: str
) -> subprocess.CompletedProcess[str]:
    """Run tests/on_spark/SCRIPT with these settings (without their `spark.`) and the password in
    its environment."""
    options = [word for name, value in conf.items() for word in ("--conf", f"spark.{name}={value}")]
    command = [
        *SUBMIT,
        *options,
        str(ROOT / "tests" / "on_spark" / script),
        *words,
    ]
    environ = {**os.environ, "KAFKA_PASSWORD": password}
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=300, check=False
    )


def read(
    folder: Path, approach: str, params: dict[str, str], password: str
) -> subprocess.CompletedProcess[str]:
    """Run secured.py on the topic t; all it writes and says is in `folder`, an event log too."""
    params = {"group.id": f"group-{approach}", "auto.offset.reset": "earliest", **params}
    (folder / "params.json").write_text(json.dumps(params))
    conf = {"eventLog.enabled": "true", "eventLog.dir": folder.as_uri(), "ui.port": "0"}
    conf["streaming.receiver.writeAheadLog.enable"] = "true"
    done = submit("secured.py", approach, "t", str(folder), "30", password=password, **conf)
    (folder / "said").write_text(done.stdout + done.stderr)
    return done


def leaks(folder: Path, *secrets: str) -> list[str]:
    """The files below `folder` that a secret is in."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    return [
        str(path)
        for path in files
        if any(secret.encode() in path.read_bytes() for secret in secrets)
    ]


def test_a_receiver_logs_in_by_scram_and_its_password_stays_a_reference(
    broker: Broker, tmp_path: Path
) -> None:
    password = broker.secrets["PASSWORD"]
    done = read(tmp_path, "receiver", {"bootstrap.servers": broker.sasl, **SCRAM}, password)
    assert "records 30" in done.stdout, done.stderr[-3000:]
    assert leaks(tmp_path, password) == []
    assert any(
        b"${env:KAFKA_PASSWORD}" in path.read_bytes()
        for path in (tmp_path / "checkpoint").glob("checkpoint-*")
    )
    assert any("sasl.jaas.config = [hidden]" in line for line in done.stderr.splitlines()), (
        "Kafka's own log lines were looked at"
    )
    assert {path.stem for path in tmp_path.glob("*.page")} >= {"environment", "streaming", "jobs"}


def test_a_direct_stream_comes_by_tls_with_a_key_of_its_own(
    broker: Broker, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = broker.secrets["STORE_PASSWORD"]
    file = tmp_path_factory.mktemp("secrets") / "store.properties"
    file.write_text(f"password={secret}\n")
    params = {"bootstrap.servers": broker.tls, "security.protocol": "SSL"}
    for store in ("keystore", "truststore"):
        params |= {f"ssl.{store}.location": str(broker.keys), f"ssl.{store}.type": "PKCS12"}
        params[f"ssl.{store}.password"] = f"${{file:{file}:password}}"
    done = read(tmp_path, "direct", params, "")
    assert "records 30" in done.stdout, done.stderr[-3000:]
    assert leaks(tmp_path, secret) == []


def test_a_wrong_password_is_refused_without_being_said(broker: Broker, tmp_path: Path) -> None:
    done = read(tmp_path, "direct", {"bootstrap.servers": broker.sasl, **PLAIN}, "canary-wrong")
    assert done.returncode != 0
    assert "Authentication failed" in done.stdout + done.stderr
    assert leaks(tmp_path, "canary-wrong", *broker.secrets.values()) == []


def test_offsets_beyond_2_to_the_31(broker: Broker) -> None:
    assert FAR_RECORDS == 10
    done = submit("far_offsets.py", broker.plain, "far", str(FAR))
    errors = [
        json.loads(line)["error"] for line in done.stdout.splitlines() if line.startswith('{"case"')
    ]
    assert errors == [None] * 3, "\n".join(map(str, errors)) + done.stderr[-2000:]
