"""The project's own virtual environment, so that nobody has to activate it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"


def enter() -> None:
    """Go on in the project's interpreter: restart this process under `.venv/bin/python` unless it
    already runs there.

    Without a `.venv` it prints the remedy and exits with 2; under another virtual environment it
    stays where it is.
    """
    if (
        Path(sys.prefix).resolve() == PYTHON.parent.parent.resolve()
        or sys.prefix != sys.base_prefix
    ):
        return
    if not PYTHON.exists():
        print(f"error: {PYTHON.parent.parent} is missing\n  next: make setup", file=sys.stderr)
        sys.exit(2)
    os.execv(PYTHON, [str(PYTHON), *_arguments()])


def _arguments() -> list[str]:
    """This process's arguments as they were typed, `-m` included."""
    return sys.orig_argv[1:]
