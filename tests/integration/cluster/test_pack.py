"""The archive of `make pack`: complete, and with functions that are compiled already wherever it is
unpacked."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from local import pack


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
