"""scripts/services on real processes: a set of its own in a path with a space, killed and
healed."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hdfs import HdfsError
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from tests.conftest import HOST, PORTS, Services, wait_until


def pids(services: Services) -> dict[str, int]:
    """The recorded pid of each service."""
    return {
        file.stem: json.loads(file.read_text())["pid"]
        for file in (services.home / "pids").glob("*.json")
    }


def alive(pid: int) -> bool:
    """True while the process is there (and not only its remains)."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    """Send one record and wait for its acknowledgement."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send(topic, value).get(timeout=30)
    producer.close()


def first(bootstrap: str, topic: str) -> bytes:
    """The value of the topic's first record; fails when none comes."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    value = next(consumer).value
    consumer.close()
    return value


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A running set that these tests may break."""
    home = tmp_path_factory.mktemp("services") / "a home with spaces"
    own = Services.beside(home, 1)
    try:
        own.run("start")
        yield own
    finally:
        own.run("clean", expect=None)


def test_starting_twice_is_harmless(mine: Services) -> None:
    before = pids(mine)
    again = mine.run("start")
    assert "already running: kafka-1, namenode, datanode-1" in again.stderr
    assert pids(mine) == before


def test_status_shows_pid_address_and_state(mine: Services) -> None:
    lines = mine.run("status").stdout.splitlines()
    recorded = pids(mine)
    assert [line.split()[:3] for line in lines] == [
        [name, str(recorded[name]), "up"] for name in ("kafka-1", "namenode", "datanode-1")
    ]
    assert mine.bootstrap in lines[0] and str(mine.namenode_http_port) in lines[1]


def test_logs_prints_the_tail_of_one_service(mine: Services) -> None:
    lines = mine.run("logs", "namenode", "-n", "3").stdout.splitlines()
    assert lines[0].endswith("namenode.log <==") and len(lines) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net")
def test_everything_listens_on_the_loopback_only(mine: Services) -> None:
    ports = {mine.kafka_port, mine.controller_port, mine.namenode_port, mine.namenode_http_port}
    ports |= set(range(mine.datanode_port, mine.datanode_port + 3))
    rows = [
        line.split()
        for file in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
    ]
    listening = {
        int(row[1].split(":")[1], 16): row[1].split(":")[0] for row in rows if row[3] == "0A"
    }
    assert {port: listening[port] for port in ports}.keys() == ports
    assert {listening[port][-8:] for port in ports} == {"0100007F"}


def test_who_gives_no_name_may_do_nothing_to_hdfs(mine: Services) -> None:
    """A browser, a local user's curl."""
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"{mine.webhdfs}/webhdfs/v1/nobodys?op=MKDIRS", method="PUT"), timeout=20)
    assert refused.value.code == 403 and b"user=dr.who" in refused.value.read()
    mine.files.makedirs("/mine")


def test_a_killed_part_is_said_so_and_healed_with_its_data(mine: Services) -> None:
    produce(mine.bootstrap, "kept", b"before the kill")
    mine.files.write("/kept", b"before the kill")
    killed = pids(mine)
    for name in ("kafka-1", "namenode"):
        os.kill(killed[name], signal.SIGKILL)
    wait_until(
        lambda: not alive(killed["kafka-1"]) and not alive(killed["namenode"]),
        10,
        "the killed are gone",
    )

    status = mine.run("status", expect=1)
    assert [line.split()[2] for line in status.stdout.splitlines()][:2] == ["died", "died"]
    assert "scripts/services start" in status.stderr

    healed = mine.run("start")
    assert "already running: datanode-1; starting kafka-1, namenode" in healed.stderr
    assert pids(mine)["datanode-1"] == killed["datanode-1"]
    assert first(mine.bootstrap, "kept") == b"before the kill"
    with mine.files.read("/kept") as reader:
        assert reader.read() == b"before the kill"


def test_one_part_is_stopped_and_started_by_name(mine: Services) -> None:
    before = pids(mine)
    mine.run("stop", "kafka-1")
    assert not alive(before["kafka-1"]) and alive(before["namenode"])
    assert mine.run("status", expect=1).stdout.splitlines()[0].split()[2] == "stopped"
    mine.run("start", "kafka-1")
    mine.run("status")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["start", "kafka-7"], "choose from kafka-1, namenode, datanode-1"),
        (["start", "--brokers", "3"], "scripts/services clean"),
        (["start", "--brokers", "2"], "brokers is one of 1, 3, not 2"),
        (["start", "--kafka-port", str(PORTS + 1199)], "already runs on 127.0.0.1:"),
        (["start", "--broker", "1"], "did you mean --brokers?"),
        (
            ["start", "--hdfs-site", "dfs.blocksize"],
            "not a property of HDFS: dfs.blocksize at hdfs_site",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(
    mine: Services, arguments: list[str], words: str
) -> None:
    assert words in mine.run(*arguments, expect=2).stderr


def test_a_taken_port_is_named_with_the_setting_that_moves_it(
    mine: Services, tmp_path: Path
) -> None:
    other = replace(mine, home=tmp_path / "other")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = replace(other, kafka_port=port).run("start", "kafka-1", expect=2).stderr
    assert f"port {port} of kafka-1 is taken" in refused
    assert "set kafka_port / TWEETS_KAFKA_PORT / --kafka-port" in refused


def test_stopping_ends_only_what_was_recorded(tmp_path: Path) -> None:
    idle = Services(tmp_path / "idle")
    assert "nothing was running" in idle.run("stop").stderr
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (idle.home / "pids").mkdir()
        # the pid was given away since
        record = {"pid": stranger.pid, "started": "1", "address": idle.bootstrap}
        (idle.home / "pids" / "kafka-1.json").write_text(json.dumps(record))
        assert "nothing was running" in idle.run("stop").stderr
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_three_brokers_keep_three_copies_and_do_without_one(tmp_path: Path) -> None:
    three = Services.beside(tmp_path / "three", 2)
    names = ["kafka-1", "kafka-2", "kafka-3"]
    try:
        three.run("start", *names, "--brokers", "3")
        admin = KafkaAdminClient(bootstrap_servers=three.bootstrap)
        admin.create_topics({"safe": {}}, wait_for_metadata=True)
        partitions = wait_until(
            lambda: admin.describe_topics(["safe"])[0]["partitions"],
            20,
            "each broker knows of the topic",
        )
        admin.close()
        assert [sorted(partition["replica_nodes"]) for partition in partitions] == [[1, 2, 3]] * 3
        three.run("stop", "kafka-1")
        produce(f"{HOST}:{PORTS + 1293},{HOST}:{PORTS + 1294}", "safe", b"two are enough")
    finally:
        three.run("clean", expect=None)


def test_hdfs_gets_the_properties_that_it_is_started_with(tmp_path: Path) -> None:
    """The NameNode then allows a folder three entries, as a user may tune it."""
    limit = "dfs.namenode.fs-limits.max-directory-items=3, dfs.blocksize=8m"
    tuned = Services.beside(tmp_path / "tuned", 3, hdfs_site=limit)
    try:
        tuned.run("start", "namenode", "datanode-1")
        for name in ("a", "b", "c"):
            tuned.files.makedirs(f"/{name}")
        with pytest.raises(HdfsError, match="limit=3 items=3"):
            tuned.files.makedirs("/d")
    finally:
        tuned.run("clean", expect=None)
