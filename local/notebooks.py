"""Executes examples/structured_streaming.ipynb from the first cell to the last: `make notebook`.

    python -m local.notebooks [FILE]

Starts Kafka and HDFS where they do not run. FILE is where the executed notebook goes
(.run/notebook/structured_streaming.ipynb); what is printed last is the notebook's own last line.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from config.errors import PipelineError, exit_with
from config.venv import ROOT
from local.say import say

NOTEBOOK = ROOT / "examples" / "structured_streaming.ipynb"
EXECUTED = ROOT / ".run" / "notebook" / NOTEBOOK.name
CELL_S = 1800
TOO_SLOW = "Python worker failed to connect back"  # Spark's own words
SERVICES = str(ROOT / "scripts" / "services")


def execute(environ: dict[str, str]) -> Any:
    """The executed notebook; a cell that fails raises PipelineError with the end of its error.
    Where Spark gave a Python worker up, for which it waits ten seconds on any machine, all cells
    are executed once more."""
    try:
        try:
            return clean(_executed(environ))
        except CellExecutionError as error:
            if TOO_SLOW not in str(error):
                raise
            say(f"notebook: {TOO_SLOW}: this machine is too busy; once more")
            return clean(_executed(environ))
    except CellExecutionError as error:
        where = f"{NOTEBOOK.relative_to(ROOT)}: {error.ename}"
        raise PipelineError(str(error)[-2000:], where, "open the notebook in Jupyter") from None


def _executed(environ: dict[str, str]) -> Any:
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    context = {"metadata": {"path": str(NOTEBOOK.parent)}}
    client = NotebookClient(notebook, timeout=CELL_S, kernel_name="python3", resources=context)
    client.execute(env=environ)
    return notebook


def clean(notebook: Any) -> Any:
    """The notebook without what differs from machine to machine: warnings, folders, times."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
            cell.outputs = [_without_folders(one) for one in outputs]
    notebook.metadata.get("language_info", {}).pop("version", None)
    return notebook


def last_line(notebook: Any) -> str:
    """What the last cell has printed last."""
    return str(notebook.cells[-1].outputs[-1]["text"]).strip().splitlines()[-1]


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value)({name: _without_folders(one) for name, one in value.items()})
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    return value.replace(str(ROOT), "…") if isinstance(value, str) else value


def environment() -> dict[str, str]:
    """This process's environment, pointed at the services of this machine."""
    told = subprocess.run([SERVICES, "env"], check=True, capture_output=True, text=True).stdout
    words = (line.partition(" ")[2] for line in told.splitlines())
    found = dict(shlex.split(word)[0].split("=", 1) for word in words)
    return {**found, **os.environ}


def main() -> int:
    """Start, execute, write, and say where it is."""
    target = Path(sys.argv[1]) if sys.argv[1:] else EXECUTED
    started = subprocess.run([SERVICES, "start"], check=False)
    if started.returncode:
        return started.returncode
    say(f"notebook: executing {NOTEBOOK.relative_to(ROOT)}, about two minutes")
    notebook = execute(environment())
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)  # type: ignore[no-untyped-call]
    say(f"notebook: executed, with its outputs: {target}")
    print(last_line(notebook))
    return 0


if __name__ == "__main__":
    exit_with(main)
