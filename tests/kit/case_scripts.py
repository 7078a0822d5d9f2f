"""Scripts of many cases in one Spark (tests/on_spark/*_cases.py): what is in them, and how each
case ended."""

import json
import re
import subprocess
import tempfile
from functools import cache

import pytest

from tests.conftest import ROOT, Services
from tests.kit.other_spark import SUBMIT

SCRIPTS = ROOT / "tests" / "on_spark"


def each_case(*scripts: str) -> pytest.MarkDecorator:
    """Gives a test the `script` and the `case` of each case in these scripts, in their order."""
    found = [
        pytest.param(script, f"case_{name}", id=name)
        for script in scripts
        for name in re.findall(r"^def case_(\w+)", (SCRIPTS / script).read_text(), re.MULTILINE)
    ]
    return pytest.mark.parametrize(("script", "case"), found)


def passes(services: Services, script: str, case: str) -> None:
    """Fail the test with the case's traceback if it has one. The script runs once per session."""
    error = results(script, services.bootstrap).get(case, "was not run")
    if error:
        pytest.fail(error, pytrace=False)


@cache
def results(script: str, bootstrap: str) -> dict[str, str | None]:
    """What each case of the script ended with, None where it is as it should be."""
    with tempfile.NamedTemporaryFile("w", suffix=".properties") as references:
        references.write(f"brokers={bootstrap}\n")
        references.flush()
        command = [*SUBMIT, str(SCRIPTS / script), bootstrap, references.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    return {line["case"]: line["error"] for line in lines}
