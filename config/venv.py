"""The project's folder, and its own virtual environment, so that it need not be activated."""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent
INSTALLED = not (_HERE / "pyproject.toml").exists()  # by pip: there is no checkout around this file
_DATA = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
# the checkout; installed by pip, a folder of the user's for settings, secrets and spools
ROOT = _DATA / "tweets-to-hdfs" if INSTALLED else _HERE
PYTHON = ROOT / ".venv" / "bin" / "python"


def enter() -> None:
    """Switch to the project's interpreter: restart this process under `.venv/bin/python` unless it
    already runs there.

    Without a `.venv` it prints the remedy and exits with 2; under another virtual environment, or
    installed by pip, it stays where it is.
    """
    if (
        INSTALLED
        or Path(sys.prefix).resolve() == PYTHON.parent.parent.resolve()
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
