"""The archive of Spark's classes: the JVM takes them from it, and goes on without a word where it
cannot."""

import shlex
import subprocess
from pathlib import Path

import pytest

from local import class_archive, jdk
from local.compile import pyspark_jars


def version(*java: str) -> subprocess.CompletedProcess[str]:
    """`spark-submit --version` of a JVM with these options, on the class path that spark-submit
    gives it."""
    jars = pyspark_jars()
    (first,) = jars.glob("slf4j-api-*.jar")  # which Spark's launcher puts before the others
    class_path = f"{jars.parent}/conf:{first}:{jars}/*"
    command = [str(jdk.home() / "bin" / "java"), *java, "-cp", class_path]
    main = ["org.apache.spark.deploy.SparkSubmit", "--version"]
    return subprocess.run([*command, *main], check=True, capture_output=True, text=True)


def test_spark_s_classes_come_from_the_archive() -> None:
    loaded = version(*shlex.split(class_archive.options()), "-Xlog:class+load").stdout
    (line,) = (line for line in loaded.splitlines() if "spark.deploy.SparkSubmit$ source" in line)
    assert line.endswith("source: shared objects file (top)")


@pytest.mark.parametrize("content", [b"", b"not an archive" * 10_000])
def test_an_archive_that_does_not_fit_is_passed_over_in_silence(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_archive, "FILE", tmp_path / "a folder" / "spark-classes.jsa")
    assert class_archive.options() == ""
    class_archive.FILE.parent.mkdir()
    class_archive.FILE.write_bytes(content)
    said = version(*shlex.split(class_archive.options()))
    assert (said.stdout, "version" in said.stderr) == ("", True)
    assert "archive" not in said.stderr
