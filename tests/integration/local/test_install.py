"""The project as pip installs it: what its wheel holds, and that its programs run without a
checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from config.command_line import version
from tests.conftest import ROOT

ROOMS = {"audit", "config", "consumers", "local", "monitoring", "producer", "units", "views"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy: setuptools writes beside its sources."""
    place = tmp_path_factory.mktemp("install")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            copy = place / "copy" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", place, place / "copy"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(place.glob("*.whl"))


def test_the_wheel_holds_the_rooms_with_their_data_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert folders == ROOMS
    modules = {name for name in names if name.endswith(".py")}
    assert modules == {
        str(file.relative_to(ROOT)) for room in ROOMS for file in (ROOT / room).rglob("*.py")
    }
    for name in ("config/spark.conf", "config/jars/kafka.lock", "config/services/log4j.properties"):
        assert name in names


def test_the_programs_run_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    """The packages that it needs are this environment's."""
    place = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", place, wheel]
    subprocess.run(install, capture_output=True, check=True)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TWEETS_")},
        "PYTHONPATH": str(place),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }

    def said(program: str, *arguments: str) -> str:
        command = [sys.executable, place / "bin" / program, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
        ).stdout

    assert said("tweets-producer", "--version").split()[-1] == version()
    assert said("tweets-summary", "--version").split()[-1] == version()
    assert "--ledger" in said("tweets-audit", "--help")
    spool = tmp_path / "data" / "tweets-to-hdfs" / ".run" / "spool" / "tweets-bluesky"
    assert str(spool) in said("tweets-producer", "--source", "bluesky", "--print-config")
