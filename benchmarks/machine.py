"""What the figures were measured on and with; no names of hosts."""

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.contenders import VENV
from config.venv import ROOT
from local import jdk

OURS = ("pyspark", "confluent-kafka", "vaderSentiment", "numba", "numpy", "msgspec")


def peers() -> dict[str, str]:
    """The versions of those in the peers' venv that its list names."""
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "list",
        "--format",
        "json",
        "--disable-pip-version-check",
    ]
    listed = json.loads(subprocess.run(pip, check=True, capture_output=True, text=True).stdout)
    pinned = set(
        re.findall(
            r"^([\w-]+)==",
            (ROOT / "benchmarks" / "requirements-peers.txt").read_text(),
            re.MULTILINE,
        )
    )
    return {row["name"]: row["version"] for row in listed if row["name"] in pinned}


def about() -> dict[str, Any]:
    """Cores, load, and versions."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    java = (jdk.home() / "release").read_text()
    return {
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0)),
        "cpu": cpu[1] if cpu else platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "java": dict(re.findall(r'^(\w+)="(.*)"$', java, re.MULTILINE)).get("JAVA_VERSION"),
        "versions": {name: version(name) for name in OURS},
    }
