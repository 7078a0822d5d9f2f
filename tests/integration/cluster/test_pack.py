"""The archive of `make pack`: complete, and with functions that are compiled already wherever it is
unpacked."""

import subprocess
import sys
import tarfile
from pathlib import Path

from local import pack


def caches(app: Path) -> set[str]:
    """The compiled functions below the folder."""
    return {str(file.relative_to(app)) for file in app.rglob("*.nbc")}


def warm(app: Path) -> None:
    """Load our code in an interpreter that has nothing but the archive."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", pack.WARM],
        cwd="/",
        env={"PYTHONPATH": str(app), "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_unpacked_elsewhere_nothing_is_compiled_again(tmp_path: Path) -> None:
    app = tmp_path / "some" / "container" / "app"
    with tarfile.open(pack.pack()) as tar:
        tar.extractall(app, filter="data")
    before = caches(app)
    assert before
    warm(app)
    assert caches(app) == before
    with (app / "consumers" / "compiled" / "blocks.py").open("a") as source:
        source.write("# another version\n")
    warm(app)
    assert caches(app) > before, "other sources are compiled"
