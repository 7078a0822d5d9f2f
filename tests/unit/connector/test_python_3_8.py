"""The connector's Python runs where PySpark 3.3 does: on Python 3.8."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CONNECTOR = ROOT / "connector"
SOURCES = sorted([*CONNECTOR.glob("kafka_dstreams*.py"), *CONNECTOR.glob("kafka_dstreams/**/*.py")])


def oldest_python(*sources: Path) -> str:
    """What vermin says of these sources, by syntax and by what they use of the standard library."""
    command = [Path(sys.executable).with_name("vermin"), "--target=3.8-", "--violations", *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_syntax_is_3_8s(source: Path) -> None:
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_what_is_used_of_the_standard_library_is_in_3_8() -> None:
    assert not oldest_python(*SOURCES)


@pytest.mark.parametrize(
    "newer", ["list(zip([1], strict=True))", "'x'.removeprefix('x')", "from functools import cache"]
)
def test_newer_python_is_found(tmp_path: Path, newer: str) -> None:
    source = tmp_path / "newer.py"
    source.write_text(f"{newer}\n")
    assert str(source) in oldest_python(source)
