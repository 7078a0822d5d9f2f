"""The wheel on the Spark that most clusters have: an old script by plain spark-submit, from an
environment with PySpark 3.5 and the wheel. `make test-spark` runs all the connector's tests so."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import metadata
from pathlib import Path

import pytest

from local import jdk
from tests.conftest import HOST, PATIENCE, ROOT, Services, wait_until
from tests.kit import sparks
from tests.kit.jobs import publish
from tests.kit.mosquitto import mosquitto
from tests.kit.old_scripts import Running, running, send_lines

OLD = "3.5.7"
WORDS = str(ROOT / "tests" / "on_spark" / "words.py")
DOORS = "direct+receiver"
# the executors' Python: it has nothing of ours
BARE = f"python3.{sys.version_info[1]}"
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def spark_3_5() -> Path:
    """The first time, pip loads PySpark 3.5 (about 300 MB); it is kept below build/."""
    return sparks.environment(OLD)


def environ(place: Path, **more: str) -> dict[str, str]:
    """This process's environment without what points at our own Spark and code."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    home = next(place.glob("lib/python3.*/site-packages/pyspark"))
    own = {"SPARK_HOME": str(home), "JAVA_HOME": str(jdk.home()), "SPARK_LOCAL_IP": HOST}
    return {**given, **own, "PYSPARK_DRIVER_PYTHON": str(place / "bin" / "python"), **more}


def plain_submit(place: Path) -> list[str]:
    """spark-submit with the wheel's jars, and nothing else."""
    ask = [place / "bin" / "python", "-m", "kafka_dstreams", "jars"]
    jars = subprocess.check_output(ask, cwd="/", env=environ(place), text=True).strip()
    assert "kafka-dstreams_2.12.jar" in jars
    return [str(Path(environ(place)["SPARK_HOME"], "bin", "spark-submit")), "--jars", jars]


def submitted(place: Path, folder: Path, *words: str, python: str) -> subprocess.Popen[bytes]:
    """Plain spark-submit with the wheel's jars; what the script prints is in folder/stdout."""
    environment = environ(place, PYSPARK_PYTHON=python)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen(
            [*plain_submit(place), *words],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def counted(script: subprocess.Popen[bytes], folder: Path) -> str:
    """What words.py said, once it has ended, or why it did not."""
    try:
        script.wait(180 * PATIENCE)
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)
    said = [(folder / name).read_text(errors="replace") for name in ("stdout", "stderr")]
    return said[0] if "of 100" in said[0] else f"{said[0][-1500:]}{said[1][-3000:]}"


def all_counted(said: str) -> bool:
    """Whether both doors had each record once."""
    return re.findall(r"^(\w+) words [1-9]\d* of 100$", said, re.MULTILINE) == DOORS.split("+")


def test_words_on_spark_3_5(
    services: Services, topic: str, tmp_path: Path, spark_3_5: Path
) -> None:
    publish(services, topic, 100)
    words = ["--master", "local[3]", WORDS, DOORS, services.bootstrap, topic, "100"]
    python = str(spark_3_5 / "bin" / "python")
    said = counted(submitted(spark_3_5, tmp_path, *words, python=python), tmp_path)
    assert all_counted(said), said


@pytest.mark.long
def test_the_old_scripts_by_plain_spark_submit(
    services: Services, topic: str, tmp_path: Path, spark_3_5: Path
) -> None:
    """What connector/README.md promises: no setting but the jars, and the brokers of a receiver."""
    own = environ(spark_3_5, KAFKA_BOOTSTRAP_SERVERS=services.bootstrap)
    own["PYSPARK_PYTHON"] = own["PYSPARK_DRIVER_PYTHON"]

    def old(script: str, run: str, *words: str) -> AbstractContextManager[Running]:
        submit = plain_submit(spark_3_5)
        return running(f"old/{script}.py", words, tmp_path / run, [], submit, own)

    brokers, line = services.bootstrap, "to be or not to be"
    send_lines(brokers, topic, [line] * 30)
    with old("offsets_in_a_list", "list", brokers, topic) as script:
        script.wait_for(lambda text: "counted 30" in text, "30 records")
    with old("direct_kafka_wordcount", "direct", brokers, topic) as script:
        script.wait_for(lambda text: "('be', 60)" in text, "60 times be")
    with old("kafka_wordcount", "receiver", "zoo:2181", topic) as script:

        def said(text: str) -> bool:  # it begins at the topic's end, wherever that is then
            send_lines(brokers, topic, ["be"])
            return "('be', " in text

        script.wait_for(said, "words")
    summed = ("direct", brokers, topic, (tmp_path / "checkpoint").as_uri())
    with old("checkpointed_sum", "first", *summed) as script:
        script.wait_for(lambda text: f"('{line}', 30)" in text, "the sum before the kill")
    send_lines(brokers, topic, ["after"] * 30)
    with old("checkpointed_sum", "second", *summed) as script:
        text = script.wait_for(lambda text: "('after', 30)" in text, "the sum after the kill")
    assert f"('{line}', 30)" in text and "Creating new context" not in text


@contextmanager
def standalone(place: Path, services: Services, folder: Path) -> Iterator[str]:
    """A master and a worker of that PySpark; the master's address."""
    spark_class = str(Path(environ(place)["SPARK_HOME"], "bin", "spark-class"))
    deploy, port, page = "org.apache.spark.deploy", services.spark_port, services.spark_http_port
    address = f"spark://{HOST}:{port}"
    master = [f"{deploy}.master.Master", "--port", str(port), "--webui-port", str(page)]
    worker = [f"{deploy}.worker.Worker", "--port", str(port + 1), "--webui-port", str(page + 1)]
    worker += ["--cores", "3", "--memory", "2g", "--work-dir", str(folder / "work"), address]
    started, log = [], folder / "daemons"
    try:
        for daemon in (master, worker):
            with log.open("ab") as out:
                command = [spark_class, *daemon[:1], "--host", HOST, *daemon[1:]]
                started.append(
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        env=environ(place),
                        stdout=out,
                        stderr=out,
                        start_new_session=True,
                    )
                )
        wait_until(lambda: "Registering worker" in log.read_text(), 120, "the worker registers")
        yield address
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.long
def test_words_on_a_standalone_cluster_of_spark_3_5(
    services: Services, topic: str, tmp_path: Path, spark_3_5: Path
) -> None:
    """The wheel goes to the executors with the script; their Python has nothing of ours."""
    publish(services, topic, 100)
    with standalone(spark_3_5, services, tmp_path) as master:
        options = ["--master", master, "--conf", "spark.cores.max=3"]
        options += ["--py-files", str(sparks.wheel())]
        words = [*options, WORDS, DOORS, services.bootstrap, topic, "100"]
        said = counted(submitted(spark_3_5, tmp_path, *words, python=BARE), tmp_path)
    assert all_counted(said), said


@pytest.mark.long
def test_sources_on_spark_3_5(tmp_path: Path, spark_3_5: Path) -> None:
    """A source of one's own and MQTTUtils, side by side, by plain spark-submit."""
    python = str(spark_3_5 / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, f"paho-mqtt=={metadata.version('paho-mqtt')}"], check=True)
    program = str(ROOT / "tests" / "on_spark" / "two_sources.py")
    numbers = ["--py-files", str(ROOT / "tests" / "on_spark" / "numbered.py")]
    with mosquitto(tmp_path / "broker") as broker:
        words = [
            "--master",
            "local[4]",
            *numbers,
            program,
            f"tcp://{broker.address}",
            str(tmp_path),
        ]
        script = submitted(spark_3_5, tmp_path, *words, python=python)

        def ended() -> bool:
            """MQTT has nothing for who has not subscribed yet, so the words are said until then."""
            broker.publish("words", [b"to be or not to be"] * 20)
            return script.poll() is not None

        wait_until(ended, 180, "100 lines have come")
        said = counted(script, tmp_path)
    assert "of 100 lines and numbers to" in said, said
