"""The real services that tests run against, and how tests wait."""

import fcntl
import getpass
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hdfs import InsecureClient
from kafka.admin import KafkaAdminClient

from local import class_archive
from local.processes import Home

if TYPE_CHECKING:
    from typing_extensions import Self

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# the tests' services listen on the 3000 ports from here on
PORTS = int(os.environ.get("TEST_PORTS", "28000")) - 3000 * WORKER
SERVICES_HOME = ROOT / ".run" / f"test-services-{WORKER}"
# A job in a test lives for seconds: its JVM does without the second compiler and a parallel
# collector.
os.environ.setdefault(
    "SPARK_SUBMIT_OPTS", f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC {class_archive.options()}"
)

# how many times longer than on a quiet machine a test waits before it fails; make test-fault has 3
PATIENCE = float(os.environ.get("TEST_PATIENCE", "2"))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that `make test` leaves out."""
    config.addinivalue_line("markers", "long: takes minutes; run by make test-fault")


def wait_until(condition: Callable[[], Any], seconds: float, message: str) -> Any:
    """Call `condition` until it gives something true and return that; fail the test with `message`
    after this many seconds, or TEST_PATIENCE times as many."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {message}")
        time.sleep(0.1)


@dataclass(frozen=True)
class Services:
    """A set of Kafka and HDFS of the tests' own: where it is, and `run` to stop and start parts of
    it."""

    home: Path
    kafka_port: int = PORTS + 1092
    controller_port: int = PORTS + 2092
    namenode_port: int = PORTS + 20
    namenode_http_port: int = PORTS + 1870
    datanode_port: int = PORTS + 1866
    spark_port: int = PORTS + 77
    spark_http_port: int = PORTS + 80
    yarn_port: int = PORTS + 30
    kafka_tls_port: int = PORTS + 1142
    kdc_port: int = PORTS + 1162
    hdfs_site: str = ""  # NAME=VALUE,…: HDFS's own properties, at each start

    @classmethod
    def beside(cls, home: Path, number: int, **settings: Any) -> "Self":
        """A set of its own while the session's runs; sets of different numbers, from 1 on, share no
        port."""
        return cls(
            home,
            kafka_port=PORTS + 1092 + 100 * number,
            kafka_tls_port=PORTS + 1142 + 100 * number,
            kdc_port=PORTS + 1162 + 100 * number,
            controller_port=PORTS + 2092 + 100 * number,
            namenode_port=PORTS + 20 + 100 * number,
            namenode_http_port=PORTS + 1070 + 100 * number,
            datanode_port=PORTS + 1066 + 100 * number,
            **settings,
        )

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.kafka_port}"

    @property
    def hdfs(self) -> str:
        return f"hdfs://{HOST}:{self.namenode_port}"

    @property
    def webhdfs(self) -> str:
        return f"http://{HOST}:{self.namenode_http_port}"

    @property
    def files(self) -> Any:
        """An HDFS client for looking at what a test wrote."""
        return InsecureClient(self.webhdfs, user=getpass.getuser(), timeout=60)

    @property
    def environ(self) -> dict[str, str]:
        """The TWEETS_ variables that point our programs at this set; add them to os.environ for a
        subprocess."""
        ports = (
            "kafka_port",
            "controller_port",
            "kafka_tls_port",
            "kdc_port",
            "namenode_port",
            "namenode_http_port",
            "datanode_port",
            "spark_port",
            "spark_http_port",
            "yarn_port",
        )
        return {
            **{f"TWEETS_{name.upper()}": str(getattr(self, name)) for name in ports},
            "TWEETS_SERVICES_HOME": str(self.home),
            "TWEETS_HDFS_SITE": self.hdfs_site,
            "TWEETS_BOOTSTRAP": self.bootstrap,
            "TWEETS_OUTPUT": f"{self.hdfs}/tweets/{{program}}",
            "TWEETS_WEBHDFS": self.webhdfs,
        }

    def command(self) -> list[str]:
        """What starts and stops them."""
        return [str(ROOT / "scripts" / "services")]

    def pid(self, name: str) -> int:
        """The process of one of them; fails the test when it does not run."""
        pid = Home(self.home).pid(name)
        assert pid, f"{name} does not run"
        return pid

    def run(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """`scripts/services ARGUMENTS` on this set; fails the test when the exit code is not
        `expect` (None: any)."""
        done = subprocess.run(
            [*self.command(), *arguments],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        if expect is not None and done.returncode != expect:
            pytest.fail(
                f"services {' '.join(arguments)} ended with "
                f"{done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    @contextmanager
    def running(self, *start: str) -> Iterator[None]:
        """Empty and started, with these arguments of `scripts/services start`; gone at the end with
        their data."""
        self.run("clean")  # what a killed session left
        try:
            self.run("start", *start)
            yield
        finally:
            self.run("clean", expect=None)


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Kafka and HDFS on ports of the tests' own, so that a running set is not disturbed; gone at
    the end with their data.

    Two test sessions in one checkout would share the ports: the second waits for the first.
    """
    (ROOT / ".run").mkdir(exist_ok=True)
    own = Services(SERVICES_HOME)
    with SERVICES_HOME.with_suffix(".lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        with own.running():
            yield own


@pytest.fixture(scope="session")
def admin(services: Services) -> Iterator[KafkaAdminClient]:
    """A Kafka admin client of the session."""
    client = KafkaAdminClient(bootstrap_servers=services.bootstrap)
    yield client
    client.close()


@pytest.fixture
def topic(admin: KafkaAdminClient) -> Iterator[str]:
    """A topic of the test's own with 3 partitions."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    admin.create_topics(
        {name: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True
    )
    yield name
    admin.delete_topics([name], raise_errors=False)


@pytest.fixture
def output(services: Services) -> str:
    """An HDFS address of the test's own; nothing is there yet."""
    return f"{services.hdfs}/tests/{uuid.uuid4().hex[:12]}"
