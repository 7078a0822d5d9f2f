"""Puts into the wheel what setuptools does not know of: the two jars, and the .pth file that brings
the old import back.

The connector's jar is compiled against the PySpark of the environment that `pip install` installs
into. Without PySpark or a JDK there, the one that `make setup` left in build/jars/connector is
taken.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "build" / "jars" / "connector"
CLIENT = "org.apache.kafka:kafka-clients:4.3.1"
CLIENT_SHA256 = "52501b7b47510c66f898871adaf6d2968ab7246561d44ced43643a8a587f0b36"
JAVAC = ("--release", "17", "-encoding", "UTF-8", "-g", "-proc:none", "-nowarn")


class Build(build_py):
    """build_py, and then the jars and the .pth file."""

    def run(self) -> None:
        # what an earlier build left would be packed too
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        jars = Path(self.build_lib, "kafka_dstreams", "jars")
        jars.mkdir(parents=True)
        client = kafka_client()
        shutil.copy(client, jars)
        compiled_or_built(client, jars / "kafka-dstreams.jar")
        Path(self.build_lib, "kafka_dstreams.pth").write_text("import kafka_dstreams_hook\n")


def kafka_client() -> Path:
    """Kafka's client: what `make setup` fetched, otherwise Maven's. Raises SystemExit for any other
    file."""
    _, name, version = CLIENT.split(":")
    found = BUILT / f"{name}-{version}.jar"
    if not found.exists():
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext

        maven = MavenContext(remote_repos=GlobalSettings.load().repositories or None, timeout=30)
        found = maven.create_dependency(CLIENT).artifact.resolve()
    if hashlib.sha256(found.read_bytes()).hexdigest() != CLIENT_SHA256:
        sys.exit(f"error: {found} is not the {CLIENT} that is expected here\n  next: remove it")
    return found


def compiled_or_built(client: Path, target: Path) -> None:
    """Our jar. Raises SystemExit when it can neither be compiled nor has been."""
    home = os.environ.get("JAVA_HOME")
    javac = shutil.which("javac", path=str(Path(home, "bin")) if home else None)
    # An isolated build does not see the environment's packages, but knows where they are.
    spark = next(Path(sys.prefix).glob("lib/python3.*/site-packages/pyspark/jars"), None)
    if javac and spark:
        with tempfile.TemporaryDirectory() as classes:
            sources = sorted(map(str, (HERE / "java").rglob("*.java")))
            subprocess.run(
                [javac, *JAVAC, "-d", classes, "-cp", f"{spark}/*:{client}", *sources], check=True
            )
            shutil.make_archive(str(target), "zip", classes)
            target.with_suffix(".jar.zip").rename(target)
    elif (BUILT / target.name).exists():
        shutil.copy(BUILT / target.name, target)
    else:
        missing = "a JDK 17 (javac)" if spark else "PySpark"
        sys.exit(
            f"error: the connector cannot be compiled without {missing}\n  next: install it here "
            "first, then the connector"
        )


AWAY = tempfile.mkdtemp(prefix="kafka-dstreams-")  # nothing is left in the source tree
setup(
    cmdclass={"build_py": Build},
    options={"build": {"build_base": AWAY}, "egg_info": {"egg_base": AWAY}},
)
shutil.rmtree(AWAY)
