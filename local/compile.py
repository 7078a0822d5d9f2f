"""Our Java, compiled by javac against PySpark's jars and packed by `zipfile`: no build tool."""

import hashlib
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError, PipelineError
from config.venv import PYTHON, ROOT
from local import jdk
from local.say import say

TARGET = ROOT / "build" / "jars" / "connector"
LINT = "-Xlint:all,-serial,-processing,-classfile,-path,-deprecation"
FLAGS = ("--release", "11", "-encoding", "UTF-8", "-g", "-proc:none", LINT)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip knows: the same sources give the same bytes


@dataclass(frozen=True)
class Product:
    """A jar of ours and the folder of its sources."""

    name: str
    sources: Path


PRODUCTS = (
    Product("kafka-dstreams.jar", ROOT / "connector" / "java"),
    Product("part-files.jar", ROOT / "consumers" / "output" / "java"),
)


def pyspark_jars() -> Path:
    """The folder of PySpark's jars in the venv. Raises ConfigError when PySpark is not
    installed."""
    found = sorted(PYTHON.parent.parent.glob("lib/python3.*/site-packages/pyspark/jars"))
    if not found:
        raise ConfigError("PySpark is not installed", str(PYTHON.parent.parent), "make setup")
    return found[0]


def compile_all() -> None:
    """Compile each product whose sources, flags or class path changed. Raises PipelineError with
    javac's messages."""
    for product in PRODUCTS:
        sources = sorted(product.sources.rglob("*.java"))
        stamp, jar = TARGET / f"{product.name}.sources", TARGET / product.name
        if not sources:
            continue
        fingerprint = _fingerprint(product, sources)
        if jar.exists() and stamp.exists() and stamp.read_text() == fingerprint:
            continue
        say(f"setup: compiling {len(sources)} Java files into {jar.name}")
        TARGET.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as classes:
            _javac(sources, Path(classes))
            _pack(Path(classes), jar)
        stamp.write_text(fingerprint)


def _javac(sources: list[Path], classes: Path) -> None:
    class_path = ":".join([f"{pyspark_jars()}/*", *map(str, TARGET.glob("kafka-clients-*.jar"))])
    command = [
        str(jdk.home() / "bin" / "javac"),
        *FLAGS,
        "-d",
        str(classes),
        "-cp",
        class_path,
        *map(str, sources),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PipelineError(
            "javac refuses the sources:\n" + done.stdout + done.stderr,
            str(sources[0].parent),
            "fix them",
        )


def _pack(classes: Path, jar: Path) -> None:
    fresh = jar.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo("META-INF/MANIFEST.MF", EPOCH), "Manifest-Version: 1.0\n\n"
        )
        for path in sorted(classes.rglob("*.class")):
            archive.writestr(
                zipfile.ZipInfo(str(path.relative_to(classes)), EPOCH),
                path.read_bytes(),
                zipfile.ZIP_DEFLATED,
            )
    fresh.replace(jar)


def _fingerprint(product: Product, sources: list[Path]) -> str:
    """A hash over what decides the classes: the sources, javac's flags and the versions on the
    class path."""
    digest = hashlib.sha256(repr(FLAGS).encode())
    for jar in [
        *sorted(pyspark_jars().glob("spark-core*.jar")),
        *sorted(TARGET.glob("kafka-clients-*.jar")),
    ]:
        digest.update(jar.name.encode())
    for source in sources:
        digest.update(
            str(source.relative_to(product.sources)).encode() + b"\0" + source.read_bytes() + b"\0"
        )
    return digest.hexdigest()
