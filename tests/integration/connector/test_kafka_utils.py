"""The connector's Python doors, pinned case by case on a real broker: tests/on_spark/*_cases.py
says what each case is."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT, Services
from tests.kit.other_spark import SUBMIT

STREAMS = ROOT / "tests" / "on_spark"
CASES = [
    (script.name, name)
    for script in sorted(STREAMS.glob("*_cases.py"))
    for name in re.findall(r"^def (case_\w+)", script.read_text(encoding="utf-8"), re.MULTILINE)
]


@cache
def results(script: str, bootstrap: str, folder: Path) -> dict[str, str | None]:
    """What each case of the script ended with, None where it is as it should be."""
    references = folder / "references.properties"
    references.write_text(f"brokers={bootstrap}\n")
    command = [*SUBMIT, str(STREAMS / script), bootstrap, str(references)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    return {line["case"]: line["error"] for line in lines}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cases")


@pytest.mark.parametrize(
    ("script", "case"), CASES, ids=[name.removeprefix("case_") for _, name in CASES]
)
def test_case(services: Services, folder: Path, script: str, case: str) -> None:
    error = results(script, services.bootstrap, folder).get(case, "was not run")
    if error:
        pytest.fail(error, pytrace=False)
