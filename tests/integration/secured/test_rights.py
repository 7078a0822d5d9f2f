"""A Kafka with TLS, logins and ACLs: producer, jobs and audit need what docs/security.md grants
them, and no more; each refusal says what to change."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.certificates import Authority
from local.secured import Right, rights
from tests.kit.jobs import APPROACHES
from tests.kit.secured_services import Secured, apart

TWEETS = 200
LONG = pytest.mark.long
# `make test` tries one of each kind
JOBS = [APPROACHES[0], pytest.param(APPROACHES[1], marks=LONG)]


@pytest.fixture(scope="module")
def kafka() -> Iterator[Secured]:
    """A secured set of services."""
    own = apart()
    with own.running("--secure"):
        yield Secured(own)


@pytest.fixture(scope="module")
def filled(kafka: Secured) -> str:
    """A topic of this many tweets."""
    topic = "filled"
    kafka.produce(topic, TWEETS, environ=kafka.environ("producer"))
    return topic


@pytest.fixture
def output(kafka: Secured) -> str:
    return f"{kafka.services.hdfs}/tests/{uuid.uuid4().hex[:12]}"


def right(name: str, operation: str, kind: str = "TOPIC") -> list[Right]:
    """The rights of this kind that the set was started with."""
    found = [
        one
        for one in rights()
        if name in one.principal and (one.kind, one.operation) == (kind, operation)
    ]
    assert found
    return found


@pytest.mark.parametrize("approach", APPROACHES)
def test_all_of_it_works_with_these_rights(
    kafka: Secured, filled: str, output: str, approach: str
) -> None:
    kafka.job(approach, filled, output)
    kafka.published_once(filled, output, TWEETS)


def test_a_producer_needs_write(kafka: Secured) -> None:
    me = kafka.environ("producer")
    kafka.topic("made")
    with kafka.without(*right("producer", "WRITE")):
        said = kafka.produce("made", 5, expect=5, environ=me)
    assert "made" in said and "grant it WRITE" in said
    with kafka.without(*right("producer", "CREATE")):
        kafka.produce("made", 5, environ=me)
        kafka.produce("not-made", 5, expect=5, environ=me)


def test_a_producer_without_describe_configs_says_what_it_assumes(kafka: Secured) -> None:
    with kafka.without(*right("producer", "DESCRIBE_CONFIGS")):
        said = kafka.produce("assumed", 5, environ=kafka.environ("producer"))
    assert "is assumed" in said


@pytest.mark.parametrize("approach", JOBS)
def test_a_job_needs_read_on_topic_and_group(
    kafka: Secured, filled: str, output: str, approach: str
) -> None:
    with kafka.without(*right("jobs", "READ")):
        said = kafka.job(approach, filled, output, expect=5)
    assert f"may not READ topic {filled}" in said and "docs/security.md" in said
    with kafka.without(*right("jobs", "READ", "GROUP")):
        said = kafka.job(approach, filled, output, expect=5)
    assert f"may not READ group {approach}-" in said


def test_the_audit_needs_read(kafka: Secured, filled: str, output: str) -> None:
    with kafka.without(*right("audit", "READ")):
        said = kafka.audit(filled, output, expect=5)
    assert filled in said and "docs/security.md" in said


def refusals(kafka: Secured, folder: Path) -> dict[str, tuple[dict[str, str], int, str]]:
    """What is wrong with the settings: variables, exit code, and words of the message."""
    strange = Authority(folder)
    certificate, key = strange.issue("jobs")
    old, old_key = Authority(kafka.folder).issue("jobs-expired", days=-1)
    wrong = folder / "wrong.properties"
    wrong.write_text("password=canary-wrong\n")
    wrong.chmod(0o400)
    return {
        "password": ({"KAFKA_PASSWORD": f"${{file:{wrong}:password}}"}, 5, "kafka-user"),
        "no password": ({"KAFKA_PASSWORD": "${env:NOBODY}"}, 5, "leads to no secret"),
        "ca": ({"KAFKA_CA": str(strange.file)}, 2, "not trusted"),
        "expired": (
            {"KAFKA_CERTIFICATE": str(old), "KAFKA_KEY": str(old_key)},
            5,
            "kafka-certificate",
        ),
        "another authority": (
            {"KAFKA_CERTIFICATE": str(certificate), "KAFKA_KEY": str(key)},
            5,
            "kafka-certificate",
        ),
    }


@pytest.mark.parametrize("wrong", [pytest.param("password", marks=LONG), "no password", "ca"])
def test_a_refused_login_says_what_to_change(kafka: Secured, tmp_path: Path, wrong: str) -> None:
    changed, code, words = refusals(kafka, tmp_path)[wrong]
    login = {f"TWEETS_{name}": value for name, value in changed.items()}
    as_producer = {**kafka.environ("producer"), **login}
    assert words in kafka.produce("x", 5, expect=code, environ=as_producer)
    said = kafka.audit("x", "hdfs://h/x", expect=code, environ=login)
    assert "next: see docs/security.md" in said
    as_job = {**as_producer, "TWEETS_OUTPUT": "hdfs://h/x"}
    assert words in kafka.job("direct", "x", "hdfs://h/x", expect=code, environ=as_job)


@pytest.mark.long
@pytest.mark.parametrize("wrong", ["expired", "another authority", "ca"])
def test_a_refused_certificate_says_what_to_change(
    kafka: Secured, tmp_path: Path, wrong: str
) -> None:
    changed, code, words = refusals(kafka, tmp_path)[wrong]
    login = {f"TWEETS_{name}": value for name, value in changed.items()}
    as_job = {**kafka.environ("jobs"), **login}
    assert words in kafka.job("direct", "x", "hdfs://h/x", expect=code, environ=as_job)
    assert words in kafka.produce("x", 5, expect=code, environ=as_job)
    kafka.audit("x", "hdfs://h/x", expect=code, environ=as_job)


def test_the_doctor_logs_in(kafka: Secured, filled: str) -> None:
    flags = ("--check", "--output", f"{kafka.services.hdfs}/tests")
    environ = {**kafka.environ("producer"), **kafka.login("jobs")}  # it writes to the output too
    said = kafka.produce(filled, 1, *flags, environ=environ)
    assert "3 partitions" in said


def test_a_second_start_keeps_keys_and_passwords(kafka: Secured) -> None:
    before = kafka.secrets()
    kafka.services.run("start", "--secure")
    assert kafka.secrets() == before
    assert all(file.stat().st_mode & 0o077 == 0 for file in kafka.folder.iterdir())
    assert replace(kafka).environ("audit")["TWEETS_KAFKA_USER"] == "audit"
