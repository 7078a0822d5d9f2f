#!/usr/bin/env python3
"""Launches the summary: what an output holds, in figures. See --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config import errors, venv

venv.enter()

from views.summary import main  # noqa: E402

if __name__ == "__main__":
    errors.exit_with(main)
