"""The wheel on the Spark that most clusters have: an old script by plain spark-submit, from an
environment with PySpark 3.5 and the wheel. `make test-spark` runs all the connector's tests so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import sparks
from tests.kit.jobs import publish

OLD = "3.5.7"


@pytest.fixture(scope="module")
def spark_3_5() -> Path:
    """The first time, pip loads PySpark 3.5 (about 300 MB); it is kept below build/."""
    return sparks.environment(OLD)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("door", ["direct", "receiver"])
def test_words_on_spark_3_5(services: Services, topic: str, spark_3_5: Path, door: str) -> None:
    publish(services, topic, 100)
    words = str(ROOT / "tests" / "on_spark" / "words.py")
    submit = [sys.executable, str(ROOT / "tests" / "kit" / "other_spark.py")]
    done = subprocess.run(
        [*submit, words, door, services.bootstrap, topic, "100"],
        env={**os.environ, "TEST_SPARK": str(spark_3_5)},
        capture_output=True,
        text=True,
        timeout=180 * PATIENCE,
        check=False,
    )
    assert "of 100" in done.stdout, done.stdout[-2000:] + done.stderr[-3000:]
