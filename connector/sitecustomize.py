"""Python imports this at its start where this folder is on PYTHONPATH, as in scripts/submit; then
comes the machine's own."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import kafka_dstreams_hook  # noqa: F401  importing is all

HERE = Path(__file__).resolve().parent


def forget_zips() -> None:
    """Leave out Spark's zip of PySpark, and its jar, where the PySpark that they belong to is
    installed: from a zip each process would compile all modules again."""
    homes = [Path(path, "pyspark") for path in sys.path]
    for path in [path for path in sys.path if path.endswith((".zip", ".jar"))]:
        if any(Path(path).parent in (home / "python" / "lib", home / "jars") for home in homes):
            sys.path.remove(path)
            sys.path_importer_cache.pop(path, None)


forget_zips()
own = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [path for path in sys.path if Path(path or ".").resolve() != HERE]
)
if own is not None and own.loader is not None:
    own.loader.exec_module(importlib.util.module_from_spec(own))
