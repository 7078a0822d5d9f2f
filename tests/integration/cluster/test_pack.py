"""The archive of `make pack`: complete, with functions that are compiled already wherever it is
unpacked, and enough for hosts that have nothing else of ours."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import pack
from tests.conftest import Services
from tests.kit import clusters
from tests.kit.clusters import Cluster
from tests.kit.jobs import APPROACHES, audit, publish, started

BARE = f"python3.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def archive() -> Path:
    return pack.pack()


@pytest.fixture
def app(archive: Path, tmp_path: Path) -> Path:
    """The archive, unpacked as a container does it."""
    found = tmp_path / "some" / "container" / "app"
    with tarfile.open(archive) as tar:
        tar.extractall(found, filter="data")
    return found


@pytest.fixture(scope="module")
def cluster(services: Services) -> Iterator[Cluster]:
    with clusters.on_two_hosts(services) as found:
        yield found


def caches(app: Path) -> set[str]:
    """The compiled functions below the folder."""
    return {str(file.relative_to(app)) for file in app.rglob("*.nbc")}


def warm(app: Path, **environ: str) -> None:
    """Load our code in an interpreter that has nothing but the archive."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", pack.WARM],
        cwd="/",
        env={"PYTHONPATH": str(app), "HOME": "/nowhere", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_unpacked_elsewhere_nothing_is_compiled_again(app: Path) -> None:
    before = caches(app)
    assert before
    warm(app)
    assert caches(app) == before


@pytest.mark.long
def test_other_sources_are_compiled(app: Path) -> None:
    before = caches(app)
    with (app / "consumers" / "compiled" / "blocks.py").open("a") as source:
        source.write("# another version\n")
    warm(app)
    assert caches(app) > before


@pytest.mark.long
def test_another_cpu_compiles_once_more(app: Path) -> None:
    """What was compiled for one kind of CPU is left alone by another: its instructions may not be
    there."""
    before = caches(app)
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    warm(app, **other)
    twice = caches(app)
    assert twice > before
    warm(app, **other)
    assert caches(app) == twice


def options(cluster: Cluster, archive: Path, python: str = BARE) -> list[str]:
    """spark-submit's, for hosts that have Python and Spark only."""
    return [
        *cluster.options,
        "--archives",
        f"{archive}#app",
        "--conf",
        f"spark.pyspark.python={python}",
    ]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("approach", APPROACHES)
def test_it_is_all_that_the_hosts_need(
    services: Services,
    cluster: Cluster,
    archive: Path,
    topic: str,
    output: str,
    tmp_path: Path,
    approach: str,
) -> None:
    publish(services, topic, 300)
    with started(
        services,
        tmp_path,
        approach,
        topic,
        output,
        "--available-now",
        spark=options(cluster, archive),
        environ=cluster.environ,
    ) as job:
        assert job.ended(300) == 0, job.said()
    assert audit(services, topic, output)["published"] == 300


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_another_python_is_one_message(
    services: Services, cluster: Cluster, archive: Path, topic: str, output: str, tmp_path: Path
) -> None:
    """The packages in the archive are compiled for one minor version of Python."""
    python = another_python()
    if not python:
        pytest.skip(f"this machine has no Python but {BARE}")
    publish(services, topic, 10)
    with started(
        services,
        tmp_path,
        "direct",
        topic,
        output,
        spark=options(cluster, archive, python),
        environ=cluster.environ,
    ) as job:
        assert job.ended(300) == 2, job.said()
        said = job.said()
    assert said.count("an executor has no Python like the driver's") == 1
    assert "Traceback" not in said and "\tat " not in said, said


def another_python() -> str:
    """A Python of another minor version; empty where there is none."""
    installed = [Path(found) for n in range(10, 15) if (found := shutil.which(f"python3.{n}"))]
    installed += Path.home().glob(".pyenv/versions/3.1*/bin/python3.1?")
    others = [path for path in installed if path.name != BARE and "shims" not in path.parts]
    return str(others[0]) if others else ""
