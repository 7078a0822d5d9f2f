"""Spark's classes in a file that a JVM maps instead of unpacking and checking each again: a fifth
less CPU until a job is up (`python -m benchmarks.job_start`).

The JDK calls it class data sharing (JEP 350). A file of another JDK or another Spark is passed over
by the JVM, so that it can only make a start faster.
"""

import hashlib
import os
import subprocess
from pathlib import Path

from config.venv import PYTHON, ROOT
from local import jdk
from local.compile import pyspark_jars
from local.say import say

FILE = ROOT / "build" / "jars" / "spark-classes.jsa"
STAMP = FILE.with_suffix(".sources")
TRAINING = ROOT / "local" / "class_training.py"


def options() -> str:
    """The options with which a JVM uses the archive, and is silent where it does not fit; empty
    while there is none."""
    silent = "-Xlog:cds=off -Xlog:cds+dynamic=off"
    return f'"-XX:SharedArchiveFile={FILE}" {silent}' if FILE.exists() else ""


def make() -> None:
    """Make the archive by a short run of Spark, unless there is one of this Spark, JDK and
    training. A run that fails is told, and leaves none."""
    fingerprint = _fingerprint()
    if FILE.exists() and STAMP.exists() and STAMP.read_text() == fingerprint:
        return
    say("setup: archiving Spark's classes, with which its jobs start faster")
    FILE.unlink(missing_ok=True)
    fresh = FILE.with_suffix(".new")
    command = [str(PYTHON), str(ROOT / "scripts" / "submit"), "--master", "local[1]", str(TRAINING)]
    java = f'-XX:+UseParallelGC -XX:TieredStopAtLevel=1 "-XX:ArchiveClassesAtExit={fresh}"'
    done = subprocess.run(
        command,
        env={**os.environ, "SPARK_SUBMIT_OPTS": java},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not fresh.exists():
        fresh.unlink(missing_ok=True)
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        say(f"setup: there is no archive, jobs start as slowly as Spark does: {why}")
        return
    fresh.replace(FILE)
    STAMP.write_text(fingerprint)


def _fingerprint() -> str:
    """What decides which classes are in it, and whether a JVM takes them."""
    jars: list[Path] = sorted(pyspark_jars().glob("*.jar"))
    release = jdk.home() / "release"
    text = repr([(jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in jars])
    known = release.read_text(errors="replace") if release.exists() else str(jdk.home())
    return hashlib.sha256((text + known + TRAINING.read_text()).encode()).hexdigest()
