"""How a program reaches a secured Kafka: what fits together, and secrets by reference only."""

from pathlib import Path

import pytest

from audit import access as audit_access
from config import access, settings
from config.errors import ConfigError, CredentialsError, PipelineError
from config.references import is_reference, names_secret, resolved
from consumers.driver import access as of_job
from local.certificates import Authority
from producer.publishing import access as of_producer

LOGIN = ("--kafka-security", "SASL_SSL", "--kafka-user", "ann")
CANARY = "canary-5b1e"


def loaded(*flags: str, program: str = "producer") -> settings.Settings:
    return settings.load(program, flags, environ={}, file=Path("none"), secrets=Path("none"))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "login.properties"
    file.write_text(f"# ann's\nother = x\nann: {CANARY}\\=1\n")
    file.chmod(0o400)
    return file


def test_a_reference_is_looked_up_late(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANN", "pass")
    assert resolved("${env:ANN}") == "pass"
    assert resolved(f"${{file:{secret}:ann}}") == f"{CANARY}=1"
    assert audit_access.resolved("${env:ANN}") == "pass"
    assert not is_reference("x${env:ANN}")


@pytest.mark.parametrize("reference", ["${env:NOBODY}", "${file:/none:ann}", "{file}:bob}"])
def test_a_reference_that_leads_nowhere_is_refused(reference: str, secret: Path) -> None:
    text = reference.replace("{file}", f"${{file:{secret}")
    with pytest.raises(CredentialsError):
        resolved(text)
    with pytest.raises(audit_access.Refused) as refused:
        audit_access.resolved(text)
    assert refused.value.code == 5


def test_a_file_that_others_may_read_is_refused(secret: Path) -> None:
    secret.chmod(0o440)
    with pytest.raises(CredentialsError, match="others than its owner"):
        resolved(f"${{file:{secret}:ann}}")
    with pytest.raises(audit_access.Refused, match="others than its owner"):
        audit_access.resolved(f"${{file:{secret}:ann}}")


@pytest.mark.parametrize(
    "flags",
    [
        (*LOGIN, "--kafka-password", CANARY),
        (*LOGIN, "--kafka-password", "${env:X}", "-X", f"sasl.password={CANARY}"),
        ("-X", f"ssl.key.password={CANARY}"),
        ("-X", f"ssl.keystore.key={CANARY}"),
        ("-X", f"ssl.key.pem={CANARY}"),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(flags: tuple[str, ...]) -> None:
    with pytest.raises(CredentialsError) as refused:
        access.of(loaded(*flags), ())
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--kafka-security", "SASL_SSL"), "wants kafka_user"),
        (("--kafka-user", "ann", "--kafka-password", "${env:X}"), "wants kafka_security"),
        (LOGIN, "go together"),
        (("--kafka-security", "SSL", "--kafka-certificate", "c.pem"), "go together"),
        (("--kafka-ca", "ca.pem"), "want kafka_security"),
        (("--kafka-security", "SSL", "--kafka-ca", "/none/ca.pem"), "cannot be read"),
        (("-X", "acks=0"), "set by this program"),
        (("-X", "nothing"), "not NAME=VALUE"),
    ],
)
def test_what_cannot_work_says_so(flags: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        of_producer.properties(loaded(*flags))


def test_x_may_be_given_again_and_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("client.id=file\nssl.cipher.suites=a,b\n")
    found = access.of(
        loaded("-X", "client.id=x", "-X", "a=1,2", "--kafka-properties-file", str(file)), ()
    )
    assert found.more == {"client.id": "x", "ssl.cipher.suites": "a,b", "a": "1,2"}


def test_each_client_gets_its_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANN", CANARY)
    authority = Authority(tmp_path)
    certificate, key = authority.issue("ann")
    files = ("--kafka-ca", authority.file, "--kafka-certificate", certificate, "--kafka-key", key)
    flags = [*LOGIN, "--kafka-password", "${env:ANN}", *map(str, files)]
    assert of_producer.properties(loaded(*flags)) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ann",
        "sasl.password": CANARY,
        "ssl.ca.location": str(authority.file),
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
    }
    job = of_job.params(loaded(*flags, program="direct"))
    assert CANARY not in str(job) and 'password="${env:ANN}"' in job["sasl.jaas.config"]
    assert job["ssl.keystore.key"] == f"${{directory:{tmp_path}:ann-key.pem}}"
    assert job["ssl.truststore.location"] == str(authority.file)


def test_a_plain_kafka_needs_nothing() -> None:
    assert of_producer.properties(loaded()) == {}
    assert of_job.params(loaded(program="direct")) == {
        "bootstrap.servers": "127.0.0.1:9092",
        "isolation.level": "read_committed",
    }
    assert of_job.of_checkpoint(loaded(program="receiver_based")) == {}


def test_a_key_that_others_may_read_or_java_cannot_is_refused(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("ann")
    flags = ("--kafka-security", "SSL", "--kafka-certificate", str(certificate), "--kafka-key")
    key.chmod(0o444)
    with pytest.raises(CredentialsError, match="others than its owner"):
        access.of(loaded(*flags, str(key)), ())
    old = tmp_path / "old.pem"
    old.write_text("-----BEGIN EC " + "PRIVATE KEY-----\n")
    with pytest.raises(PipelineError, match="has no line"):
        access.of(loaded(*flags, str(old)), ())


def test_a_password_that_java_cannot_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANN", 'a"b')
    with pytest.raises(CredentialsError, match="Java client cannot take"):
        of_job.params(loaded(*LOGIN, "--kafka-password", "${env:ANN}", program="direct"))


@pytest.mark.parametrize("name", ["sasl.password", "ssl.key.pem", "ssl.keystore.key"])
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["ssl.key.location", "sasl.username", "client.id", "acks"])
def test_names_of_what_is_no_secret(name: str) -> None:
    assert not names_secret(name)
