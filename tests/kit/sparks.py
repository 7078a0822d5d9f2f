"""The connector's wheel on other Sparks: `make test-spark PYSPARK=VERSION`, `make test-sparks`, or
`python -m tests.kit.sparks [VERSION …] [SUITE …]`.

For each PySpark an environment below build/sparks with it, the wheel, and kafka-python, by which
the tests' scripts write to Kafka; those run there, the tests themselves here. Ends with a table,
one line per Spark, and writes docs/results/sparks.json and the table in
docs/migrating.md. Names of suites (doors, scripts, streams,
recovery) run only these.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from local import jdk

ROOT = Path(__file__).resolve().parents[2]
CONNECTOR = ROOT / "connector"
ENVIRONMENTS = ROOT / "build" / "sparks"
PIP = ("-m", "pip", "--disable-pip-version-check")
RESULTS = ROOT / "docs" / "results" / "sparks.json"
PAGE = ROOT / "docs" / "migrating.md"
BEGIN, END = "<!-- made by python -m tests.kit.sparks -->\n\n", "<!-- so far -->"
VERSIONS = (
    "3.5.7",
    "3.3.4",
    "3.4.4",
    "4.0.1",
    "4.1.1",
    "4.2.1",
    "4.3.0",
    "3.5.7+3.8",
    "4.3.0+3.13",
)
"""Of Spark; where one of Python follows, that one is used."""
NEWEST_PYTHON = {"3.3": (3, 10), "3.4": (3, 11), "3.5": (3, 11)}  # later ones their pickles refuse
SUITES = {
    "doors": "tests/integration/connector/test_kafka_utils.py",
    "scripts": "tests/integration/connector/test_migration.py",
    "streams": "tests/integration/connector/test_connector.py",
    "recovery": "tests/fault/connector/test_receiver.py",
}
COLUMNS = ("spark", "scala", "java", "python", "broker", *SUITES, "minutes")


def wheel() -> Path:
    """The wheel of the sources as they are now; built where they have changed. Raises
    CalledProcessError."""
    with _alone():
        sources = sorted(path for path in CONNECTOR.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in sources:
            if path.suffix != ".pyc":
                digest.update(f"{path.relative_to(CONNECTOR)}\0".encode() + path.read_bytes())
        folder = ENVIRONMENTS / "wheel" / digest.hexdigest()[:16]
        if not list(folder.glob("*.whl")):
            shutil.rmtree(folder.parent, ignore_errors=True)
            _run(
                sys.executable, *PIP, "wheel", "-q", "--no-deps", "-w", str(folder), str(CONNECTOR)
            )
        return next(folder.glob("*.whl"))


def environment(version: str) -> Path:
    """The environment with this PySpark and the wheel as the sources are now; made where it is
    missing. Raises CalledProcessError."""
    place, built = ENVIRONMENTS / version, wheel()
    python, has = place / "bin" / "python", place / "has-wheel"
    with _alone():
        if not (place / "has-pyspark").exists():
            print(f"making {place.relative_to(ROOT)}: pip loads about 300 MB once", file=sys.stderr)
            _run(_python(version), "-m", "venv", "--clear", str(place))
            spark = version.partition("+")[0]
            needs = [f"pyspark=={spark}", f"kafka-python=={metadata.version('kafka-python')}"]
            _run(python, *PIP, "install", "-q", *needs)
            (place / "has-pyspark").touch()
        if not has.exists() or has.read_text() != str(built):
            _run(python, *PIP, "install", "-q", "--no-deps", "--force-reinstall", str(built))
            has.write_text(str(built))
    return place


@contextmanager
def _alone() -> Iterator[None]:
    """One test session at a time changes what is below build/sparks."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (ENVIRONMENTS / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python(version: str) -> Path:
    """The Python for this PySpark, on this machine: the one that is named, the running one, or an
    older one."""
    spark, _, wanted = version.partition("+")
    if not wanted:
        newest = NEWEST_PYTHON.get(spark.rpartition(".")[0], sys.version_info[:2])
        if sys.version_info[:2] <= newest:
            return Path(sys.executable)
        wanted = ".".join(map(str, newest))
    name = f"python{wanted}"
    ours = sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))
    for found in [Path("/usr/bin", name), Path("/usr/local/bin", name), *ours]:
        if found.exists():
            return found
    sys.exit(f"error: PySpark {version} needs Python {wanted}\n  next: install it")


def _run(*command: str | Path) -> str:
    environ = {**os.environ, "JAVA_HOME": str(jdk.home())}
    environ.pop("PYTHONPATH", None)
    return subprocess.run(
        command, cwd="/", env=environ, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def tested(version: str, suites: Sequence[str]) -> dict[str, Any]:
    """One line of the table: how many of each suite's tests passed on this PySpark, and what it ran
    with."""
    place = environment(version)
    report = ENVIRONMENTS / f"{version}.xml"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", f"--junit-xml={report}"]
    command += [SUITES[suite] for suite in suites]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "TEST_SPARK": str(place)}, check=False)
    found = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    python, java = place / "bin" / "python", jdk.home() / "bin" / "java"
    ask = "from kafka_dstreams import running; print(running.scala())"
    return {
        "spark": version.partition("+")[0],
        "scala": _run(python, "-c", ask),
        "java": _run(java, "--version").split()[1].partition(".")[0],
        "python": _run(python, "-V").split()[1],
        "broker": _broker(),
        **{suite: _verdict(suite, found) for suite in suites},
        "minutes": round((time.monotonic() - begun) / 60, 1),
    }


def _verdict(suite: str, found: list[ElementTree.Element]) -> str:
    """ "4 of 5 passed", of what a suite has in pytest's report; skipped ones do not pass."""
    name = SUITES[suite].removesuffix(".py").replace("/", ".")
    own = [case for case in found if case.get("classname") == name]
    return f"{sum(not len(case) for case in own)} of {len(own)}"


def _all_passed(line: dict[str, Any]) -> bool:
    verdicts = [line[suite].split(" of ") for suite in SUITES if suite in line]
    return all(passed == count != "0" for passed, count in verdicts)


def _broker() -> str:
    lock = (ROOT / "config" / "jars" / "kafka.lock").read_text(encoding="utf-8")
    return next(line.rpartition(":")[2] for line in lock.splitlines() if ":kafka_2.13:" in line)


def keep(version: str, line: dict[str, Any]) -> None:
    """Put this line's figures into docs/results/sparks.json, over older ones of its version."""
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"] if RESULTS.exists() else {}
    new = {**line, "date": date.today().isoformat(), "machine": platform.machine()}
    runs[version] = {**runs.get(version, {}), **new}
    whole = {"command": "make test-spark PYSPARK=VERSION", "suites": SUITES, "runs": runs}
    RESULTS.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + begin + matrix(runs) + rest[rest.index(END) :], encoding="utf-8")


def matrix(runs: dict[str, Any]) -> str:
    """The table in docs/migrating.md: what has been run, and empty cells."""
    names = ("spark", "scala", "java", "python", "broker", *SUITES, "date")
    rows = [list(names), ["---"] * len(names)]
    for version in sorted({*VERSIONS, *runs}):
        run = {"spark": version, **runs.get(version, {})}
        rows.append([str(run.get(name, "")) for name in names])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n"


def main() -> None:
    """Test each version that is named, by the suites that are named; exit code 1 where a test
    failed."""
    suites = [word for word in sys.argv[1:] if word in SUITES] or list(SUITES)
    lines = []
    for version in [word for word in sys.argv[1:] if word not in SUITES] or VERSIONS:
        lines.append(tested(version, suites))
        keep(version, lines[-1])
    for row in (dict(zip(COLUMNS, COLUMNS, strict=True)), *lines):
        print("  ".join(str(row.get(name, "")).ljust(8) for name in COLUMNS).rstrip())
    sys.exit(not all(map(_all_passed, lines)))


if __name__ == "__main__":
    main()
