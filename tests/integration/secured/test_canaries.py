"""Passwords and keys are where they belong, and nowhere else."""

import struct
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import lz4.block
import pytest

from local import secured
from local.secured import Right
from tests.conftest import wait_until
from tests.kit.jobs import APPROACHES, descendants, started, stored, unused_port
from tests.kit.listening import addresses, is_loopback
from tests.kit.secured_services import Secured, apart

LZ4 = b"LZ4Block"
TOKEN = b"HDFS_DELEGATION_TOKEN"
PAGES = ("environment/", "streaming/", "jobs/", "executors/")


@pytest.fixture(scope="module")
def kafka() -> Iterator[Secured]:
    """A secured set of services with a topic of tweets; the producer's user may read too."""
    own = apart()
    reading = [
        Right("User:producer", "TOPIC", "*", "READ"),
        *(Right("User:producer", "GROUP", f"{name}-", "READ", True) for name in APPROACHES),
    ]
    with own.running("--secure"):
        found = Secured(own)
        with found.admin() as admin:
            secured.allow(admin, reading)
        yield found


def processes() -> bytes:
    """The command lines and, where this user may see them, nothing else of all processes."""
    return subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("approach", "user"),
    [
        ("receiver_based", "producer"),
        pytest.param("receiver_based", "jobs", marks=pytest.mark.long),
        pytest.param("direct", "producer", marks=pytest.mark.long),
        pytest.param("direct", "jobs", marks=pytest.mark.long),
    ],
)
def test_no_secret_leaves_its_file(
    kafka: Secured, tmp_path: Path, approach: str, user: str
) -> None:
    topic, output = f"t-{approach}-{user}", f"{kafka.services.hdfs}/tests/{uuid.uuid4().hex[:12]}"
    port, ui, events = unused_port(), unused_port(), tmp_path / "events"
    events.mkdir()
    ledger = tmp_path / "ledger"
    published = kafka.produce(
        topic, 300, "--ledger", str(ledger), environ=kafka.environ("producer")
    )
    seen = {"the producer's output": published.encode(), "its ledger": ledger.read_bytes()}
    spark = ("--conf", "spark.eventLog.enabled=true", "--conf", f"spark.ui.port={ui}")
    spark += ("--conf", f"spark.eventLog.dir={events.as_uri()}")
    flags = ("--metrics", f"127.0.0.1:{port}", "--batch-interval-s", "1")
    with started(
        kafka.services,
        tmp_path,
        approach,
        topic,
        output,
        *flags,
        spark=spark,
        environ={**kafka.environ(user), **kafka.login("jobs")},
    ) as job:
        job.until(lambda: "300 tweets" in job.said() or _count(port) >= 300, 240, "it publishes")
        seen["the process list"] = processes()
        family = [job.process.pid, *descendants(job.process.pid)]
        open_to_others = [at for at in addresses(family) if not is_loopback(at[0])]
        assert len(addresses(family)) > 2 and open_to_others == []
        for page in ("metrics", "health"):
            seen[page] = urlopen(f"http://127.0.0.1:{port}/{page}").read()
        for page in PAGES:
            seen[f"UI {page}"] = urlopen(f"http://127.0.0.1:{ui}/{page}").read()
        job.process.terminate()
        job.ended(120)
        seen["the job's log"] = job.log.read_bytes()
    for path, data in stored(kafka.services, output).items():
        seen[f"HDFS {path}"] = unpacked(data) if data.startswith(LZ4) else data
    logs = [*events.rglob("*"), *(kafka.services.home / "logs").iterdir()]
    seen |= {str(file): file.read_bytes() for file in logs if file.is_file()}
    assert any("_manifest.json" in name for name in seen)
    assert approach == "direct" or any("receivedData" in name for name in seen)
    secrets = kafka.secrets()
    assert len(secrets) >= 11 and all(len(secret) >= 16 for secret in secrets)
    leaked = [name for name, data in seen.items() if any(secret in data for secret in secrets)]
    assert leaked == []
    assert kafka.login("jobs")["TWEETS_KEYTAB"].encode() not in seen["the job's log"]
    # the kind stands in every token of HDFS; its nodes name it in their logs
    nodes = {str(file) for file in (kafka.services.home / "logs").iterdir()}
    assert [name for name, data in seen.items() if TOKEN in data and name not in nodes] == []
    if user == "producer" and approach == "receiver_based":
        checkpoint = b"".join(data for name, data in seen.items() if "/checkpoint-" in name)
        assert b"passwords.properties:producer}" in checkpoint, "the reference was looked at"


def unpacked(data: bytes) -> bytes:
    """What Spark has compressed into a checkpoint. A block: this word, how, its sizes packed and
    unpacked, a checksum, the bytes (lz4-java's LZ4BlockOutputStream)."""
    found, at = [], 0
    while at < len(data):
        how, packed, size = struct.unpack_from("<Bii", data, at + len(LZ4))
        start = at + len(LZ4) + 13
        block = data[start : start + packed]
        found.append(block if how >> 4 == 1 else lz4.block.decompress(block, size))
        at = start + packed
    return b"".join(found)


def _count(port: int) -> float:
    """How many tweets the job says it has published; 0 while it does not answer."""
    try:
        text = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    except OSError:
        return 0
    start = 'tweets_published_records_total{kind="tweets"} '
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(start)), 0)


def test_the_services_listen_on_loopback_only(kafka: Secured) -> None:
    home = kafka.services.home
    found = addresses(kafka.services.pid(file.stem) for file in (home / "pids").iterdir())
    assert {kafka.services.kafka_port, kafka.services.kafka_tls_port} <= {at[1] for at in found}
    assert [at for at in found if not is_loopback(at[0])] == []


def test_a_password_on_the_command_line_is_refused_and_would_be_found(kafka: Secured) -> None:
    secret = kafka.secrets()[0]
    planted = subprocess.Popen(["bash", "-c", "sleep 60; :", secret.decode()])
    try:
        wait_until(lambda: secret in processes(), 10, "the planted secret is in the process list")
    finally:
        planted.terminate()
        planted.wait()
    environ = {**kafka.environ("producer"), "TWEETS_KAFKA_PASSWORD": secret.decode()}
    said = kafka.produce("t", 1, expect=5, environ=environ)
    assert "wants a reference" in said and secret.decode() not in said
