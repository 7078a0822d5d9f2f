"""Which Spark, Scala and Java is running, and the jar that is chosen for it."""

import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from kafka_dstreams import running
from tests.conftest import ROOT


def spark(folder: Path, library: str) -> dict[str, str]:
    """An environment whose SPARK_HOME has this file among its jars."""
    (folder / "jars").mkdir()
    (folder / "jars" / library).touch()
    return {"SPARK_HOME": str(folder)}


@pytest.mark.parametrize("version", ["2.12.15", "2.12.18", "2.13.8", "2.13.16"])
def test_scala_is_that_of_the_spark_home(tmp_path: Path, version: str) -> None:
    found = running.scala(spark(tmp_path, f"scala-library-{version}.jar"))
    assert found == version.rpartition(".")[0]


def test_without_a_spark_home_it_is_pysparks_own() -> None:
    assert running.scala({}) == "2.13"


def test_a_spark_home_that_does_not_say_leaves_it_to_pyspark(tmp_path: Path) -> None:
    assert running.scala(spark(tmp_path, "others.jar")) == "2.13"


@pytest.mark.parametrize(("scala", "other"), [("2.12", "2.13"), ("2.13", "2.12")])
def test_the_wheel_gives_the_jar_for_the_running_scala(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scala: str, other: str
) -> None:
    (tmp_path / "jars").mkdir()
    for name in (f"kafka-dstreams_{other}", f"kafka-dstreams_{scala}", "kafka-clients-1.0"):
        (tmp_path / "jars" / f"{name}.jar").touch()
    monkeypatch.setattr(running, "PACKAGE", tmp_path)
    monkeypatch.setattr(running, "scala", lambda: scala)
    assert [jar.name for jar in running.jars()] == [
        f"kafka-dstreams_{scala}.jar",
        "kafka-clients-1.0.jar",
    ]


def test_jars_that_were_not_built_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PACKAGE", tmp_path)
    monkeypatch.setattr(running, "BUILT", tmp_path / "build")
    with pytest.raises(FileNotFoundError, match=r"no kafka-dstreams_2\.13\.jar in "):
        running.jars()


@pytest.mark.parametrize("version", ["3.3.0", "3.5.7", "4.2.0", "4.10.0.dev1", "10.0"])
def test_sparks_from_3_3_on_are_taken(version: str) -> None:
    running.check(version)


@pytest.mark.parametrize("version", ["2.4.8", "3.0.3", "3.2.4"])
def test_an_older_spark_is_refused_in_one_sentence(version: str) -> None:
    with pytest.raises(ImportError, match=f"runs on Spark 3.3 and newer, .* is {version};"):
        running.check(version)


def jvm(version: str) -> SimpleNamespace:
    """A JVM that says this of itself."""
    system = SimpleNamespace(getProperty={"java.specification.version": version}.get)
    return SimpleNamespace(java=SimpleNamespace(lang=SimpleNamespace(System=system)))


@pytest.mark.parametrize("version", ["11", "17", "25"])
def test_java_from_11_on_is_taken(version: str) -> None:
    running.check_java(jvm(version))


@pytest.mark.parametrize("version", ["1.8", "9", "10"])
def test_an_older_java_is_refused_in_one_sentence(version: str) -> None:
    with pytest.raises(RuntimeError, match=f"Java 11 and newer, and this driver's is {version};"):
        running.check_java(jvm(version))


def test_the_class_files_are_java_11s() -> None:
    with zipfile.ZipFile(ROOT / "build" / "jars" / "connector" / "kafka-dstreams.jar") as jar:
        classes = [name for name in jar.namelist() if name.endswith(".class")]
        versions = {int.from_bytes(jar.read(name)[6:8], "big") for name in classes}
    assert classes and versions == {55}
