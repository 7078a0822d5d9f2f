#!/usr/bin/env python3
"""Launches the audit: was every record of the topic published exactly once? See --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config import venv

venv.enter()

from audit.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
