"""What a job's JVM shows to others, and how it ends when it has no memory left."""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conftest import HOST, PATIENCE, ROOT, Services
from tests.kit.faults.attacks import java_jar
from tests.kit.jobs import (
    RECEIVER_AT_LEAST,
    Job,
    audit,
    await_batches,
    descendants,
    publish,
    slowly,
    started,
    unused_port,
)

# /proc/net's way to write 127.0.0.1, ::1
LOOPBACK = re.compile("0100007F|0{24}0100007F|0{8}0{8}FFFF00000100007F|0{24}01000000")
README_LINE = re.compile(
    r"^(.*spark-submit --properties-file config/spark\.conf consumers/direct\.py) --topic",
    re.MULTILINE,
)
PAGE_S = 40 * PATIENCE  # the first look at Spark's page loads much of it

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def listening(pids: list[int]) -> dict[int, str]:
    """The TCP ports on which these processes listen, and each one's address as /proc/net writes
    it."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):  # closed meanwhile
                sockets.add(str(link.readlink()))
    rows = [
        line.split()
        for file in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
    ]
    open_ones = [
        row[1].split(":") for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
    ]
    return {int(port, 16): address for address, port in open_ones}


def assert_loopback_only(job: Job) -> list[int]:
    """Fails where a process of the job listens elsewhere; the ports on which they listen."""
    ports = listening([job.process.pid, *descendants(job.process.pid)])
    assert len(ports) >= 3, "Spark's page, its driver and its blocks"
    assert {
        port: address for port, address in ports.items() if not LOOPBACK.fullmatch(address)
    } == {}
    return list(ports)


def assert_guarded(ui: int) -> None:
    """Fails unless the driver, by its own page on the port `ui`, has no links that end a job and
    takes no stranger's messages."""
    api = f"http://{HOST}:{ui}/api/v1/applications"
    with urlopen(api, timeout=PAGE_S) as answer:
        application = json.load(answer)[0]["id"]
    with urlopen(f"{api}/{application}/environment", timeout=PAGE_S) as answer:
        spark = dict(json.load(answer)["sparkProperties"])
    assert (spark["spark.ui.killEnabled"], spark["spark.authenticate"]) == ("false", "true")


def plainly(services: Services, log: Path, topic: str, output: str, ui: int) -> Job:
    """The direct job by README's own line, as a user types it in the repository, with Spark's
    page on the port `ui`."""
    line = README_LINE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert line
    words = [
        *shlex.split(line[1].replace("consumers/", f"--conf spark.ui.port={ui} consumers/")),
        "--topic",
        topic,
        "--output",
        output,
        *slowly("direct", 30),
    ]
    assigned = next(index for index, word in enumerate(words) if "=" not in word)
    ours = ("SPARK_LOCAL_IP", "SPARK_SUBMIT_OPTS")  # which the tests' own environment may have
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    assignments = dict(word.split("=", 1) for word in words[:assigned])
    with log.open("wb") as file:
        process = subprocess.Popen(
            words[assigned:],
            cwd=ROOT,
            env={**environment, **services.environ, **assignments},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Job(process, log)


def test_readme_s_plain_line_listens_on_the_loopback_only(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    publish(services, topic, 900)
    ui = unused_port()
    job = plainly(services, tmp_path / "plain.log", topic, output, ui)
    try:
        await_batches(services, output, 1, job)
        assert ui in assert_loopback_only(job)
        assert_guarded(ui)
    finally:
        job.kill()


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_submit_listens_on_the_loopback_only(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    publish(services, topic, 900)
    ui = unused_port()
    page, settings = ("--conf", f"spark.ui.port={ui}"), slowly(approach, 30)
    with started(services, tmp_path, approach, topic, output, *settings, spark=page) as job:
        await_batches(services, output, 1, job)
        assert ui in assert_loopback_only(job)
        assert_guarded(ui)


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_a_driver_without_memory_ends_like_a_killed_one_and_is_started_again(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """Not with 3, which means risk of loss, and not half alive: only the thread that wants the
    memory would die of it."""
    publish(services, topic, 900)
    bomb = tmp_path / "bomb"
    bomb.touch()
    jars = [
        *(ROOT / "build" / "jars" / "connector").glob("*.jar"),
        java_jar("MemoryBomb", tmp_path),
    ]
    conf = ("spark.extraListeners=MemoryBomb", f"spark.test.bomb={bomb}")
    spark = (
        "--supervise",
        "--jars",
        ",".join(map(str, jars)),
        *(word for line in conf for word in ("--conf", line)),
    )
    with started(
        services,
        tmp_path,
        approach,
        topic,
        output,
        "--available-now",
        *slowly(approach, 300),
        spark=spark,
    ) as job:
        assert job.ended(240) == 0, job.said()
    assert not bomb.exists() and job.said().count("OutOfMemoryError") >= 1
    assert job.said().count("supervisor: the job ended with 137, starting it again") == 1, (
        job.said()
    )
    assert audit(services, topic, output)["published"] == 900


RECOVERED = """
import sys
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from consumers.driver import running

def made():
    ssc = StreamingContext(SparkContext(), 1)
    ssc.checkpoint(sys.argv[1])
    ssc.textFileStream(sys.argv[1]).pprint()
    return ssc

for timeout_s in (50, 7):
    ssc = StreamingContext.getOrCreate(sys.argv[1], made)
    ssc.start()
    running.limit_stop(ssc, timeout_s)
    print(ssc._jssc.ssc().conf().get("spark.streaming.gracefulStopTimeout"))
    ssc.stop(stopSparkContext=True, stopGraceFully=True)
"""


def test_a_recovered_context_stops_within_today_s_limit(tmp_path: Path) -> None:
    script = tmp_path / "recovered.py"
    script.write_text(RECOVERED)
    done = subprocess.run(
        [str(ROOT / "scripts" / "submit"), str(script), f"file://{tmp_path}/checkpoint"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    limits = re.findall(r"^\d+ms$", done.stdout, re.MULTILINE)
    assert (done.returncode, limits) == (0, ["50000ms", "7000ms"]), done.stderr
