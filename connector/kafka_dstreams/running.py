"""What is running: which Spark, which Scala it is built with, which Java; and the jars for it."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Mapping

import pyspark

OLDEST_SPARK = (3, 3)
OLDEST_JAVA = 11
PACKAGE = Path(__file__).resolve().parent
BUILT = PACKAGE.parent.parent / "build" / "jars" / "connector"  # in the repository


def check(version: str = pyspark.__version__) -> None:
    """Raises ImportError on a PySpark before 3.3."""
    found = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if found < OLDEST_SPARK:
        raise ImportError(
            f"kafka-dstreams runs on Spark 3.3 and newer, and this PySpark is {version}; Spark 2.4 "
            "and older bring pyspark.streaming.kafka themselves"
        )


def check_java(jvm: Any) -> None:
    """Raises RuntimeError where the driver's Java cannot load the connector's classes."""
    version = str(jvm.java.lang.System.getProperty("java.specification.version"))
    if int(version.split(".")[-1]) < OLDEST_JAVA:  # Java 8 says 1.8
        raise RuntimeError(
            f"kafka-dstreams runs on Java {OLDEST_JAVA} and newer, and this driver's is {version}; "
            "set JAVA_HOME to a newer one on the driver and on the executors"
        )


# Java's door for Python, of a JVM; kept, for the JVM looks for a name that py4j meets in all jars
helper = lru_cache(maxsize=None)(attrgetter("kafkadstreams.Helper"))


def scala(environ: Mapping[str, str] = os.environ) -> str:
    """The Scala of the Spark that spark-submit starts here, 2.12 or 2.13: by its jars, otherwise as
    Spark's own releases have it."""
    package = str(Path(pyspark.__file__).parent)
    for home in (environ.get("SPARK_HOME") or package, package):
        for jar in sorted(Path(home, "jars").glob("scala-library*.jar")):
            found = re.search(r"-(2\.1[23])\.", jar.name)
            if found:
                return found[1]
    return "2.12" if pyspark.__version__.startswith("3.") else "2.13"


def jars() -> list[Path]:
    """The connector's jar for this Spark, and Kafka's client. Raises FileNotFoundError when they
    have not been built."""
    wanted = f"kafka-dstreams_{scala()}.jar"
    for place, name in ((PACKAGE / "jars", wanted), (BUILT, "kafka-dstreams.jar")):
        found = [*place.glob(name), *place.glob("kafka-clients-*.jar")]
        if len(found) == 2:
            return found
    raise FileNotFoundError(f"no {wanted} in {PACKAGE / 'jars'}, none in {BUILT}")


check()
