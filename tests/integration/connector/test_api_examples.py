"""The API pages: each public name has an example, which runs; the pages are built without a
network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import kafka_dstreams
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit.other_spark import SUBMIT


def test_the_examples_in_the_docstrings(services: Services) -> None:
    done = subprocess.run(
        [*SUBMIT, str(ROOT / "tests" / "on_spark" / "api_examples.py"), services.bootstrap],
        capture_output=True,
        text=True,
        timeout=200 * PATIENCE,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    assert [result for result in results if result["error"]] == [], done.stderr[-3000:]
    assert len(results) == len(kafka_dstreams.__all__)


def test_the_pages_have_every_name(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "connector")}
    command = [sys.executable, "-m", "pdoc", "kafka_dstreams", "-o", str(tmp_path)]
    subprocess.run(command, env=environ, check=True, timeout=60 * PATIENCE)
    page = (tmp_path / "kafka_dstreams.html").read_text(encoding="utf-8")
    assert [name for name in kafka_dstreams.__all__ if f'id="{name}"' not in page] == []
    assert "<script src" not in page and '<link rel="stylesheet"' not in page
