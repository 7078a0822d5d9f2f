"""How tests submit their scripts: by scripts/submit, or to another Spark, with the wheel.

TEST_SPARK names an environment with that PySpark and the wheel (`make test-spark` makes it). Then
this file is the program that submits: the same command line as scripts/submit has, but with the
other's spark-submit, Python and jars, and without this repository on the import path.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OTHER = Path(os.environ["TEST_SPARK"]) if os.environ.get("TEST_SPARK") else None
SUBMIT = [sys.executable, __file__] if OTHER else [str(ROOT / "scripts" / "submit")]


def spark_home() -> Path:
    """The folder of the PySpark that the tests' scripts run on."""
    place = OTHER or ROOT / ".venv"
    return next(place.glob("lib/python3.*/site-packages/pyspark"))


def connector_jars() -> list[str]:
    """The connector's jars that the tests' scripts run with."""
    if OTHER is None:
        return sorted(map(str, (ROOT / "build" / "jars" / "connector").glob("*.jar")))
    command = [OTHER / "bin" / "python", "-m", "kafka_dstreams", "jars"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.check_output(command, cwd="/", env=environ, text=True).strip().split(",")


def main() -> None:
    """Replace this process by the other's spark-submit."""
    assert OTHER is not None
    sys.path.insert(0, str(ROOT))
    from local import jdk, submit

    _, *line = submit.command(sys.argv[1:])
    at = line.index("--jars") + 1
    line[at] = ",".join(connector_jars())
    python = str(OTHER / "bin" / "python")
    environ = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(spark_home()),
        "JAVA_HOME": str(jdk.home()),
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
    }
    program = str(spark_home() / "bin" / "spark-submit")
    os.execve(program, [program, *line], environ)


if __name__ == "__main__":
    main()
