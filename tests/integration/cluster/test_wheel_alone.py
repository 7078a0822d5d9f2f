"""Somebody else's cluster: plain spark-submit, hosts that have Spark and Python but nothing of
ours, and the connector's wheel. As docs/migrating.md says under "On your cluster"."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from local import jdk
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import clusters
from tests.kit.clusters import Cluster
from tests.kit.jobs import publish
from tests.kit.yarn import Yarn, running

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
WORDS = ROOT / "tests" / "on_spark" / "words.py"
FAILED = "failed: "
SECRET = (
    *("--conf", "spark.authenticate=true"),
    *("--conf", "spark.authenticate.secret=in-the-environment"),
)
# the hosts' Python: it has nothing of ours
BARE = f"python3.{sys.version_info[1]}"


@dataclass(frozen=True)
class Machine:
    """Where somebody submits: an environment with PySpark and, where installed, the wheel."""

    wheel: Path
    bin: Path

    def submit(self, folder: Path, environ: dict[str, str], arguments: Sequence[str]) -> str:
        """What a script printed; all it said where it failed, after FAILED."""
        whole = {
            name: value
            for name, value in {
                **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
                "JAVA_HOME": str(jdk.home()),
                "SPARK_HOME": str(self.spark),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "PYSPARK_DRIVER_PYTHON": str(self.bin / "python"),
                "PYSPARK_PYTHON": BARE,
                **environ,
            }.items()
            if value
        }
        done = subprocess.run(
            [str(self.bin / "spark-submit"), *arguments],
            cwd=folder,
            env=whole,
            capture_output=True,
            text=True,
            timeout=180 * PATIENCE,
            check=False,
        )
        return done.stdout if done.returncode == 0 else FAILED + done.stdout + done.stderr

    def counts(
        self,
        services: Services,
        topic: str,
        folder: Path,
        door: str,
        environ: dict[str, str],
        options: Sequence[str],
    ) -> None:
        """Asserts that the old script, sent with the wheel, counts all of a hundred records."""
        publish(services, topic, 100)
        script = [str(WORDS), door, services.bootstrap, topic, "100"]
        said = self.submit(folder, environ, [*options, *self.sent, *script])
        assert not said.startswith(FAILED) and "of 100" in said, errors(said)

    @property
    def spark(self) -> Path:
        """Its SPARK_HOME."""
        return self.bin.parent / "spark"

    @property
    def on_yarn(self) -> list[str]:
        """Spark's settings there: its own jars are on each host, 450 MB that need not be sent."""
        return [f"spark.yarn.jars=local:{self.spark}/jars/*", "spark.executor.cores=2"]

    @property
    def sent(self) -> list[str]:
        """spark-submit's options that send the connector with a script."""
        command = [str(self.bin / "python"), "-m", "kafka_dstreams", "jars"]
        jars = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout
        return ["--jars", jars.strip(), "--py-files", str(self.wheel)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """An environment of its own with the wheel installed. Its PySpark is a link to this one's: 450
    MB."""
    place = tmp_path_factory.mktemp("machine")
    pip = [sys.executable, "-m", "pip"]
    run([*pip, "wheel", "-q", "--no-deps", "-w", str(place), str(ROOT / "connector")])
    wheel = next(place.glob("*.whl"))
    run([sys.executable, "-m", "venv", "--without-pip", str(place / "job")])
    python = place / "job" / "bin" / "python"
    run([*pip, "--python", str(python), "install", "-q", "--no-deps", str(wheel)])
    spark = Path(pyspark.__file__).parent
    packages = next((place / "job" / "lib").glob("python*/site-packages"))
    for package in ("pyspark", "py4j"):
        (packages / package).symlink_to(spark.parent / package)
    (place / "job" / "spark").symlink_to(spark)
    (place / "job" / "bin" / "spark-submit").symlink_to(spark / "bin" / "spark-submit")
    return Machine(wheel, place / "job" / "bin")


def errors(said: str) -> str:
    """What a long log has of errors."""
    lines = [line for line in said.splitlines() if "Error" in line or "Exception" in line]
    return "\n".join(lines[:10] + lines[-10:])


def run(command: Sequence[str]) -> None:
    environ = {**os.environ, "JAVA_HOME": str(jdk.home())}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with clusters.on_two_hosts(services) as found:
        yield found


@pytest.mark.parametrize("door", ["direct", "receiver"])
def test_on_standalone(
    services: Services, cluster: Cluster, machine: Machine, topic: str, tmp_path: Path, door: str
) -> None:
    """The wheel goes with the script; the script is as old as it is."""
    options = [*cluster.options, *SECRET, "--conf", "spark.cores.max=4"]
    machine.counts(services, topic, tmp_path, door, cluster.environ, options)


@pytest.fixture(scope="module")
def yarn(services: Services) -> Iterator[Yarn]:
    with running(services) as found:
        yield found


@pytest.mark.parametrize("door", ["direct", "receiver"])
def test_on_yarn(
    services: Services, yarn: Yarn, machine: Machine, topic: str, tmp_path: Path, door: str
) -> None:
    """The same in client mode."""
    options = yarn.options("client", *machine.on_yarn)
    machine.counts(services, topic, tmp_path, door, yarn.environ, options)


def test_on_yarn_the_driver_too(
    services: Services, yarn: Yarn, machine: Machine, topic: str, tmp_path: Path
) -> None:
    """In cluster mode, with the line that docs/migrating.md asks for."""
    publish(services, topic, 100)
    script = tmp_path / "words.py"
    script.write_text(f"import kafka_dstreams.compat\n{WORDS.read_text()}")
    options = [*yarn.options("cluster", *machine.on_yarn), *machine.sent]
    arguments = [str(script), "direct+receiver", services.bootstrap, topic, "100"]
    environ = {**yarn.environ, "PYSPARK_DRIVER_PYTHON": BARE}
    said = machine.submit(tmp_path, environ, [*options, *arguments])
    assert not said.startswith(FAILED), errors(said)
    assert yarn.said().count(" of 100") == 2


def test_without_the_wheel_the_hosts_know_nothing_of_it(
    services: Services, cluster: Cluster, machine: Machine, topic: str, tmp_path: Path
) -> None:
    publish(services, topic, 100)
    jars = machine.sent[:2]
    script = [str(WORDS), "direct", services.bootstrap, topic, "100"]
    said = machine.submit(tmp_path, cluster.environ, [*cluster.options, *SECRET, *jars, *script])
    assert said.startswith(FAILED) and "No module named 'kafka_dstreams'" in said
