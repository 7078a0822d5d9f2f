"""Python imports this at its start where this folder is on PYTHONPATH, as in scripts/submit; then
comes the machine's own."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import kafka_dstreams_hook  # noqa: F401  importing is all

HERE = Path(__file__).resolve().parent
own = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [path for path in sys.path if Path(path or ".").resolve() != HERE]
)
if own is not None and own.loader is not None:
    own.loader.exec_module(importlib.util.module_from_spec(own))
