"""Java programs of tests/on_spark/java that look at the connector from inside its package."""

import subprocess
from pathlib import Path

from local import compile as java
from local import jdk
from tests.conftest import ROOT

SOURCES = ROOT / "tests" / "on_spark" / "java"


def java_program(name: str, folder: Path, *options: str) -> list[str]:
    """Compile `kafkadstreams.NAME` into `folder`; returns the command that runs it, with these
    options of the JVM. Raises CalledProcessError for what does not compile."""
    jars = f"{java.TARGET}/*:{java.pyspark_jars()}/*"
    source = SOURCES / "kafkadstreams" / f"{name}.java"
    bin_ = jdk.home() / "bin"
    subprocess.run([bin_ / "javac", "-nowarn", "-cp", jars, "-d", folder, source], check=True)
    return [str(bin_ / "java"), *options, "-cp", f"{folder}:{jars}", f"kafkadstreams.{name}"]
