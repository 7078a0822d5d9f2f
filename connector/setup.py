"""Puts into the wheel what setuptools does not know of: the jars, and the .pth file that brings the
old import back.

The same Java is compiled against Scala 2.12 and against Scala 2.13, each time with the jars of
Spark 3.3 that scala-*.lock names. So the wheel is the same whatever is installed here; it needs a
JDK, 11 or newer.
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
CLIENT = "org.apache.kafka:kafka-clients:4.3.1"
CLIENT_SHA256 = "52501b7b47510c66f898871adaf6d2968ab7246561d44ced43643a8a587f0b36"
JAVAC = ("--release", "11", "-encoding", "UTF-8", "-g", "-proc:none", "-nowarn")


class Build(build_py):
    """build_py, and then the jars and the .pth file."""

    def run(self) -> None:
        # what an earlier build left would be packed too
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        jars = Path(self.build_lib, "kafka_dstreams", "jars")
        jars.mkdir(parents=True)
        client = fetched(CLIENT_SHA256, CLIENT)
        shutil.copy(client, jars)
        for lock in sorted(HERE.glob("scala-*.lock")):
            compiled([client, *locked(lock)], jars / f"kafka-dstreams_{lock.stem[6:]}.jar")
        Path(self.build_lib, "kafka_dstreams.pth").write_text("import kafka_dstreams_hook\n")


def locked(lock: Path) -> list[Path]:
    """The jars that a lock file names, one `sha256  group:artifact:version` per line."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [fetched(*line.split()) for line in lines if not line.startswith("#")]


def fetched(sha256: str, coordinate: str) -> Path:
    """A jar from Maven, or from its usual cache. Raises SystemExit for any other content."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    maven = MavenContext(remote_repos=GlobalSettings.load().repositories or None, timeout=30)
    found = Path(maven.create_dependency(coordinate).artifact.resolve())
    if hashlib.sha256(found.read_bytes()).hexdigest() != sha256:
        sys.exit(f"error: {found} is not the {coordinate} that is expected\n  next: remove it")
    return found


def compiled(class_path: list[Path], target: Path) -> None:
    """Our jar. Raises SystemExit where there is no JDK."""
    home = os.environ.get("JAVA_HOME")
    javac = shutil.which("javac", path=str(Path(home, "bin")) if home else None)
    if not javac:
        sys.exit("error: no javac on PATH or in JAVA_HOME\n  next: install a JDK, 11 or newer")
    with tempfile.TemporaryDirectory() as classes:
        sources = sorted(map(str, (HERE / "java").rglob("*.java")))
        jars = os.pathsep.join(map(str, class_path))
        subprocess.run([javac, *JAVAC, "-d", classes, "-cp", jars, *sources], check=True)
        shutil.make_archive(str(target), "zip", classes)
        target.with_suffix(".jar.zip").rename(target)


AWAY = tempfile.mkdtemp(prefix="kafka-dstreams-")  # nothing is left in the source tree
setup(
    cmdclass={"build_py": Build},
    options={"build": {"build_base": AWAY}, "egg_info": {"egg_base": AWAY}},
)
shutil.rmtree(AWAY)
