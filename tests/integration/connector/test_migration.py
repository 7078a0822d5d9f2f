"""Scripts of the Spark 1.3-2.4 years, unmodified, under scripts/submit: on fresh contexts and on
recovered ones."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import py4j
import pyspark
import pytest

from tests.conftest import ROOT, Services
from tests.kit import sparks
from tests.kit.old_scripts import running, send_lines
from tests.kit.other_spark import OTHER, SUBMIT


def sums(output: str) -> dict[str, int]:
    """The last sums that checkpointed_sum.py printed."""
    lines = [line for line in output.splitlines() if line.startswith("sums ")]
    return dict(ast.literal_eval(lines[-1].removeprefix("sums "))) if lines else {}


def ranges(output: str) -> list[tuple[int, int, int]]:
    """The (partition, from, until) that a script printed with `range` before them."""
    return [
        (int(p), int(a), int(b))
        for p, a, b in re.findall(r"^range (\d+) (\d+) (\d+)$", output, re.MULTILINE)
    ]


def test_the_receivers_word_count_takes_zookeepers_address(
    services: Services, topic: str, tmp_path: Path
) -> None:
    options = ["--conf", f"spark.kafka.bootstrap.servers={services.bootstrap}"]
    with running("old/kafka_wordcount.py", ["zoo:2181", topic], tmp_path, options) as script:
        script.wait_for(lambda text: text.count("Time:") > 1, "batches of the empty topic")
        # A receiver begins at the topic's end: what came before it joined its group is not for it.
        for round_ in range(20):
            send_lines(services.bootstrap, topic, ["to be or not to be"] * 3)
            if "('be', " in script.wait_for(
                lambda text, seen=round_ + 3: text.count("Time:") > seen, "a batch more"
            ):
                break
        said = script.wait_for(lambda text: "('be', " in text, "words")
    assert said.count("instead of zoo:2181 the brokers are") == 1
    assert "from spark.kafka.bootstrap.servers" in said


def test_the_direct_word_count(services: Services, topic: str, tmp_path: Path) -> None:
    send_lines(services.bootstrap, topic, ["to be or not to be"] * 30)
    with running("old/direct_kafka_wordcount.py", [services.bootstrap, topic], tmp_path) as script:
        text = script.wait_for(lambda text: "('be', 60)" in text, "60 times be")
    assert "('to', 60)" in text and "('not', 30)" in text


def test_offsets_in_a_global_list(services: Services, topic: str, tmp_path: Path) -> None:
    send_lines(services.bootstrap, topic, ["line"] * 30)
    with running("old/offsets_in_a_list.py", [services.bootstrap, topic], tmp_path) as script:
        text = script.wait_for(lambda text: "counted 30" in text, "30 records")
    # The list is filled when a batch is planned and printed when it runs, so it may be a batch
    # ahead, as it always was.
    assert re.search(rf"^{topic} 0 (0|10) 10$", text, re.MULTILINE)


def test_a_range_as_an_rdd(services: Services, topic: str) -> None:
    send_lines(services.bootstrap, topic, [f"line {n}" for n in range(30)])
    command = [
        *SUBMIT,
        str(ROOT / "tests" / "on_spark" / "old" / "batch_read.py"),
    ]
    done = subprocess.run(
        [*command, services.bootstrap, topic, "2", "9"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "records 7 first (None, 'line 6') last line 24" in done.stdout, done.stderr[-3000:]
    assert f"OffsetRange(topic: {topic}, partition: 0, range: [2 -> 9]" in done.stdout


@pytest.mark.long  # kafka_utils_cases.py sees the same refusal, without a script of its own
def test_a_range_that_is_not_in_kafka_ends_the_script(services: Services, topic: str) -> None:
    send_lines(services.bootstrap, topic, [f"line {n}" for n in range(30)])
    command = [*SUBMIT, str(ROOT / "tests" / "on_spark" / "old" / "batch_read.py")]
    bad = subprocess.run(
        [*command, services.bootstrap, topic, "2", "11"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert bad.returncode != 0
    assert (
        "SparkException: Offsets not available on leader: OffsetRange(topic: '"
        in bad.stdout + bad.stderr
    )


def test_a_message_handler_and_offsets_of_one_partition(
    services: Services, topic: str, tmp_path: Path
) -> None:
    send_lines(services.bootstrap, topic, [f"line {n}" for n in range(30)])
    with running(
        "old/message_handler.py", [services.bootstrap, topic, "1", "7"], tmp_path
    ) as script:
        script.wait_for(lambda text: "line 28" in text, "the last record of partition 1")
        send_lines(services.bootstrap, topic, ["end"] * 3)
        text = script.wait_for(lambda text: "'end'" in text, "a record that came later")
    rows = [ast.literal_eval(line) for line in text.splitlines() if line.startswith("(")]
    lines = [(7, "line 22"), (8, "line 25"), (9, "line 28"), (10, "end")]
    assert rows == [(topic, 1, offset, None, line, "bytes") for offset, line in lines]


def test_a_message_handler_and_the_global_list_on_a_recovered_context(
    services: Services, topic: str, tmp_path: Path
) -> None:
    def words(*texts: str) -> set[tuple[str, ...]]:
        return {
            found
            for text in texts
            for found in re.findall(r"^word (\d) (\d+) (\w+)$", text, re.MULTILINE)
        }

    arguments = [services.bootstrap, topic, (tmp_path / "checkpoint").as_uri()]
    send_lines(services.bootstrap, topic, ["before"] * 30)
    with running("old/recoverable_offsets.py", arguments, tmp_path / "first") as script:
        first = script.wait_for(lambda text: len(words(text)) == 30, "the first records")
    send_lines(services.bootstrap, topic, ["after"] * 30)
    with running("old/recoverable_offsets.py", arguments, tmp_path / "second") as script:
        second = script.wait_for(lambda text: len(words(first, text)) == 60, "the others")
        second = script.wait_for(
            lambda text: any(span[2] == 20 for span in ranges(text)), "their ranges in the list"
        )
    assert "Creating new context" in first and "Creating new context" not in second
    assert len({found[:2] for found in words(first, second)}) == 60


@pytest.mark.parametrize("mode", ["direct", pytest.param("receiver", marks=pytest.mark.long)])
def test_a_checkpointed_sum_goes_on_after_a_kill(
    services: Services, topic: str, tmp_path: Path, mode: str
) -> None:
    log = ["--conf", "spark.streaming.receiver.writeAheadLog.enable=true"]
    log += ["--conf", f"spark.kafka.bootstrap.servers={services.bootstrap}"]
    address = {"direct": services.bootstrap, "receiver": "zoo:2181"}[mode]
    arguments = [mode, address, topic, (tmp_path / "checkpoint").as_uri()]
    send_lines(services.bootstrap, topic, ["a"] * 60)
    with running("old/checkpointed_sum.py", arguments, tmp_path / "first", log) as script:
        script.wait_for(lambda text: sums(text).get("a") == 60, "60 times a")
        send_lines(services.bootstrap, topic, ["b"] * 60)
        # SIGKILL with the last batches half known
        first = script.wait_for(lambda text: sums(text).get("b"), "some b")
    send_lines(services.bootstrap, topic, ["c"] * 60)
    changed = [*log, "--conf", "spark.streaming.blockInterval=123ms"]
    with running("old/checkpointed_sum.py", arguments, tmp_path / "second", changed) as script:
        second = script.wait_for(
            lambda text: sums(text).get("c") == 60 and sums(text).get("b", 0) >= 60, "all b and c"
        )
    assert "Creating new context" in first and "Creating new context" not in second
    said = (tmp_path / "second" / "stderr").read_text()
    assert "spark.streaming.blockInterval=123ms is not in force: the checkpoint says 500ms" in said
    assert sums(second)["a"] == 60
    # no record twice in a sum: a batch that is run again reads the same ranges
    if mode == "direct":
        assert sums(second) == {"a": 60, "b": 60, "c": 60}
        for partition in range(3):
            spans = sorted(
                {span[1:] for span in ranges(first) + ranges(second) if span[0] == partition}
            )
            assert spans[0][0] == 0 and spans[-1][1] == 60
            assert all(
                left[1] == right[0] for left, right in zip(spans, spans[1:], strict=False)
            ), spans


@pytest.mark.long  # streams_cases.py sees the same refusal
def test_local_1_with_a_receiver_is_refused_at_the_start(services: Services, topic: str) -> None:
    script = str(ROOT / "tests" / "on_spark" / "old" / "kafka_wordcount.py")
    command = [
        *SUBMIT,
        "--master",
        "local[1]",
        script,
        services.bootstrap,
        topic,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "no batch would ever run" in done.stdout and "--master local[2] or more" in done.stdout


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with PySpark and the connector's wheel, and nothing else."""
    if OTHER:
        return OTHER
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    packages = next(place.glob("lib/python3.*/site-packages"))
    for package in (pyspark, py4j):  # linked: a copy would be 400 MB
        (packages / package.__name__).symlink_to(Path(package.__file__).parent)
    install = [place / "bin" / "python", *sparks.PIP, "install", "-q", "--no-deps", sparks.wheel()]
    subprocess.run(install, check=True)
    assert (packages / "kafka_dstreams" / "py.typed").exists(), "its types are not for others"
    return place


def classes(jar: Path) -> dict[str, bytes]:
    """The class files of a jar."""
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".class")}


def test_the_wheels_jars_are_java_11s_and_the_same_against_spark_3_3_and_4(
    empty_venv: Path,
) -> None:
    """Those for Scala 2.13 were compiled against Spark 3.3.0, our own against this PySpark."""
    jars = next(empty_venv.glob("lib/python3.*/site-packages/kafka_dstreams/jars"))
    old, new = (classes(jars / f"kafka-dstreams_{scala}.jar") for scala in ("2.12", "2.13"))
    assert {int.from_bytes(one[6:8], "big") for one in [*old.values(), *new.values()]} == {55}
    assert new == classes(ROOT / "build" / "jars" / "connector" / "kafka-dstreams.jar")
    assert old.keys() == new.keys() and old != new


def submit_plainly(empty_venv: Path, *words: str) -> str:
    """What spark-submit, as the empty environment has it, writes."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "SPARK_HOME")
    }
    environ |= {
        "PATH": f"{empty_venv / 'bin'}:{environ['PATH']}",
        "PYSPARK_PYTHON": str(empty_venv / "bin" / "python"),
    }
    submit = next(empty_venv.glob("lib/python3.*/site-packages/pyspark/bin/spark-submit"))
    done = subprocess.run(
        [submit, *words],
        env=environ,
        cwd=empty_venv,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_wheel_alone_runs_an_old_script(
    services: Services, topic: str, empty_venv: Path
) -> None:
    send_lines(services.bootstrap, topic, [f"line {n}" for n in range(30)])
    script = [
        str(ROOT / "tests" / "on_spark" / "old" / "batch_read.py"),
        services.bootstrap,
        topic,
        "2",
        "9",
    ]
    jars = subprocess.check_output(
        [empty_venv / "bin" / "python", "-m", "kafka_dstreams", "jars"], text=True, cwd=empty_venv
    )
    assert "records 7 first (None, 'line 6') last line 24" in submit_plainly(
        empty_venv, "--jars", jars.strip(), *script
    )
    without = submit_plainly(empty_venv, *script)
    assert (
        "Spark Streaming's Kafka libraries not found in class path. Try one of the following."
        in without
    )
    assert '$ spark-submit --jars "$(python -m kafka_dstreams jars)"' in without
    assert "TypeError: 'JavaPackage' object is not callable" in without
