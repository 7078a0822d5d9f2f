"""What a job's JVM shows to others, and how it ends when it has no memory left."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.conftest import ROOT, Services
from tests.jobs import APPROACHES, Job, await_batches, batches, descendants, publish, slowly, started

LOOPBACK = re.compile("0100007F|0{24}0100007F|0{8}0{8}FFFF00000100007F|0{24}01000000")  # /proc/net's way to write 127.0.0.1, ::1
README_LINE = re.compile(r"^(.*spark-submit --properties-file config/spark\.conf consumers/direct\.py) --topic", re.MULTILINE)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def listening(pids: list[int]) -> dict[int, str]:
    """The TCP ports on which these processes listen, and each one's address as /proc/net writes it."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):  # closed meanwhile
                sockets.add(str(link.readlink()))
    rows = [line.split() for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    open_ones = [row[1].split(":") for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    return {int(port, 16): address for address, port in open_ones}


def assert_loopback_only(job: Job) -> list[int]:
    """Fails where a process of the job listens elsewhere; the ports on which they listen."""
    ports = listening([job.process.pid, *descendants(job.process.pid)])
    assert len(ports) >= 3, "Spark's page, its driver and its blocks"
    assert {port: address for port, address in ports.items() if not LOOPBACK.fullmatch(address)} == {}
    return list(ports)


def ui_of(ports: list[int]) -> str:
    """The address of Spark's page among these ports."""
    for port in ports:
        with suppress(OSError, ValueError), urlopen(f"http://127.0.0.1:{port}/api/v1/version", timeout=5) as answer:
            assert json.load(answer)["spark"]
            return f"http://127.0.0.1:{port}"
    pytest.fail(f"none of the ports {ports} is Spark's page")


def plainly(services: Services, log: Path, topic: str, output: str, **environ: str) -> Job:
    """The direct job by README's own line, as somebody types it in the repository."""
    line = README_LINE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert line
    words = [*shlex.split(line[1]), "--topic", topic, "--output", output, *slowly("direct", 30)]
    assigned = next(index for index, word in enumerate(words) if "=" not in word)
    environment: Mapping[str, str] = {name: value for name, value in os.environ.items() if name != "SPARK_LOCAL_IP"}
    assignments = dict(word.split("=", 1) for word in words[:assigned])
    with log.open("wb") as file:
        process = subprocess.Popen(
            words[assigned:],
            cwd=ROOT,
            env={**environment, **services.environ, **assignments, **environ},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Job(process, log)


def test_readme_s_plain_line_listens_on_the_loopback_only(services: Services, topic: str, output: str, tmp_path: Path) -> None:
    publish(services, topic, 900)
    job = plainly(services, tmp_path / "plain.log", topic, output)
    try:
        await_batches(services, output, 1, job)
        ports = assert_loopback_only(job)
        for stage in range(3):  # nobody ends a job from the page
            with pytest.raises(HTTPError) as refused:
                urlopen(Request(f"{ui_of(ports)}/stages/stage/kill/?id={stage}", method="POST"), timeout=10)
            assert refused.value.code in (404, 405)
    finally:
        job.kill()


@pytest.mark.parametrize("approach", APPROACHES)
def test_submit_listens_on_the_loopback_only(services: Services, topic: str, output: str, approach: str, tmp_path: Path) -> None:
    publish(services, topic, 900)
    with started(services, tmp_path, approach, topic, output, *slowly(approach, 30)) as job:
        await_batches(services, output, 1, job)
        ui = ui_of(assert_loopback_only(job))
        with urlopen(f"{ui}/api/v1/applications", timeout=10) as answer:
            application = json.load(answer)[0]["id"]
        with urlopen(f"{ui}/api/v1/applications/{application}/environment", timeout=10) as answer:
            spark = dict(json.load(answer)["sparkProperties"])
        assert (spark["spark.ui.killEnabled"], spark["spark.authenticate"]) == ("false", "true")


ALLOCATE = "[jvm.java.util.ArrayList(jvm.java.util.Collections.nCopies(50_000_000, 'x')) for _ in range(99)]"  # 200 MB each


def test_a_driver_without_memory_ends_like_a_killed_one(tmp_path: Path) -> None:
    """Not with 3, which means risk of loss, and not half alive."""
    script = tmp_path / "bomb.py"
    script.write_text(
        "import sys; from pyspark import SparkContext\n"
        "jvm = SparkContext.getOrCreate()._jvm\n"
        "print('alive', flush=True)\n"
        "try:\n"
        f"    held = {ALLOCATE}\n"
        "except Exception as error:\n"
        "    print('caught', type(error), flush=True)\n"
        "    sys.exit(3)\n"
    )
    command = [str(ROOT / "scripts" / "submit"), "--driver-memory", "512m", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("alive"), done.stderr
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_supervised_job_without_memory_is_started_again(
    services: Services, topic: str, output: str, approach: str, tmp_path: Path
) -> None:
    """Its heap is too small for anything; Spark itself would refuse it, and is told not to look."""
    publish(services, topic, 900)
    unseen = ("spark.testing.memory=1073741824", "spark.testing.reservedMemory=1")
    tiny = ("--supervise", "--driver-memory", "44m", *(word for setting in unseen for word in ("--conf", setting)))
    with started(services, tmp_path, approach, topic, output, spark=tiny) as job:
        job.until(lambda: job.said().count("the job ended with 137, starting it again") >= 2, 120, "it is started again")
        assert batches(services, output) == []
