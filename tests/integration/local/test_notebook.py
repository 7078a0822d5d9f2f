"""The notebook, executed as `make notebook` does, and what is committed of it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from config.errors import PipelineError
from local import notebooks
from tests.conftest import PATIENCE, ROOT, Services

VERDICT = r"notebook: direct, receiver_based and structured have the same (\d+) rows"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("tweets", [400, pytest.param(200_000, marks=pytest.mark.long)])
def test_three_roads_have_the_same_rows(services: Services, tmp_path: Path, tweets: int) -> None:
    """All assertions of the notebook hold; the last is that the roads' rows are the same."""
    done = subprocess.run(
        [sys.executable, "-m", "local.notebooks", str(tmp_path / "executed.ipynb")],
        cwd=ROOT,
        env={**os.environ, **services.environ, "NOTEBOOK_TWEETS": str(tweets)},
        capture_output=True,
        text=True,
        timeout=(600 + tweets / 100) * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    verdict = re.fullmatch(VERDICT, done.stdout.splitlines()[-1])
    assert verdict and int(verdict[1]) > tweets
    nbformat.validate(nbformat.read(tmp_path / "executed.ipynb", as_version=4))


def test_a_cell_that_fails_is_said(services: Services, tmp_path: Path) -> None:
    """No number of tweets: the first cell fails, exit 1 with its error, and no file."""
    done = subprocess.run(
        [sys.executable, "-m", "local.notebooks", str(tmp_path / "executed.ipynb")],
        cwd=ROOT,
        env={**os.environ, **services.environ, "NOTEBOOK_TWEETS": "none"},
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        check=False,
    )
    assert done.returncode == 1 and "ValueError" in done.stderr, done.stderr[-3000:]
    assert not (tmp_path / "executed.ipynb").exists()


def failing(words: str, times: int) -> Callable[[Any], Any]:
    """An execution whose cells fail so often with these words, and then do not."""
    tries = iter([*[CellExecutionError(words, "Error", words)] * times, None])

    def executed(_environ: Any) -> Any:
        error = next(tries)
        if error:
            raise error
        return nbformat.v4.new_notebook()

    return executed


@pytest.mark.parametrize(
    ("words", "times", "fails"),
    [(notebooks.TOO_SLOW, 1, False), (notebooks.TOO_SLOW, 2, True), ("another error", 1, True)],
)
def test_only_a_worker_that_was_too_slow_is_given_a_second_chance(
    monkeypatch: pytest.MonkeyPatch, words: str, times: int, fails: bool
) -> None:
    monkeypatch.setattr(notebooks, "_executed", failing(words, times))
    with pytest.raises(PipelineError) if fails else nullcontext():
        assert notebooks.execute({}) == nbformat.v4.new_notebook()


def test_the_committed_notebook_is_whole_and_says_nothing_of_a_machine() -> None:
    notebook = nbformat.read(notebooks.NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert re.fullmatch(VERDICT, notebooks.last_line(notebook))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert notebooks.clean(notebook.copy()) == notebook
    text = notebooks.NOTEBOOK.read_text(encoding="utf-8")
    for stranger in (r"/(root|home|tmp|work|Users)/", r"\b(?!127\.0\.0\.1)\d+\.\d+\.\d+\.\d+:\d"):
        assert not re.search(stranger, text), stranger
