"""Records per second out of Kafka into a Python function on Spark 3.5: ours, Spark 2.4's way, and
Spark's own 0-10 connector for the JVM.

    python -m benchmarks.connector_on_3_5 [--rounds N] [--records N] [--results FILE]

Needs the services (scripts/services start). PySpark 3.5 with our wheel, and the 0-10 connector, are
fetched into build/. The ways take turns in one Spark job; compare ratios of one run only. Writes
benchmarks/results/connector_3_5.json.
"""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks import connector
from config.venv import ROOT
from local import jars, jdk
from tests.kit import sparks

SPARK = "3.5.7"
JARS = "zero-ten"
RESULTS = ROOT / "benchmarks" / "results" / "connector_3_5.json"
OURS, PEERS = ("kafka_utils", "modern_records"), ("spark_2_4", "zero_ten", "zero_ten_tuned")


def compiled(home: Path, class_path: list[str]) -> str:
    """The jar with the peers' ways to Python. Raises CalledProcessError."""
    bin_, classes, jar = jdk.home() / "bin", connector.BENCH / "3.5", connector.BENCH / "3.5.jar"
    path = os.pathsep.join([f"{home}/jars/*", *class_path])
    sources = sorted((ROOT / "benchmarks" / "java").rglob("*.java"))
    javac = [bin_ / "javac", "--release", "11", "-nowarn", "-d", classes, "-cp", path, *sources]
    subprocess.run(javac, check=True)
    subprocess.run([bin_ / "jar", "cf", jar, "-C", classes, "."], check=True)
    return str(jar)


def submitted(bootstrap: str, rounds: int, names: list[str]) -> str:
    """What connector_reads_3_5.py prints, by plain spark-submit of PySpark 3.5."""
    place = sparks.environment(SPARK)
    if not jars.installed(JARS):
        jars.install(JARS)
    home, python = next(place.glob("lib/python3.*/site-packages/pyspark")), place / "bin" / "python"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ |= {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(jdk.home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    environ |= {"PYSPARK_PYTHON": str(python), "PYSPARK_DRIVER_PYTHON": str(python)}
    ask = [python, "-m", "kafka_dstreams", "jars"]
    wheel = subprocess.check_output(ask, cwd="/", env=environ, text=True).strip().split(",")
    class_path = [*wheel, *map(str, jars.files(JARS))]
    options = ["--jars", ",".join([*class_path, compiled(home, class_path)])]
    options += ["--master", "local[2]", "--driver-memory", "2g"]
    options += ["--driver-java-options", "-XX:+UseParallelGC"]
    script = str(ROOT / "benchmarks" / "connector_reads_3_5.py")
    line = [str(home / "bin" / "spark-submit"), *options, script, bootstrap, str(rounds), *names]
    done = subprocess.run(
        line, cwd="/", env=environ, text=True, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:  # spark-submit has put the script's own errors onto its output
        sys.exit(f"error: {script} ended with {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def main() -> None:
    chosen = connector.arguments("connector_on_3_5", __doc__, RESULTS)
    names = connector.topics(chosen)
    said = submitted(chosen.bootstrap, chosen.rounds, names)
    connector.keep(chosen.results, said, OURS, PEERS, spark=SPARK)


if __name__ == "__main__":
    main()
