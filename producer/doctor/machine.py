"""Is this machine fit: its operating system, its text encoding, its packages."""

import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from config.errors import ConfigError
from config.venv import INSTALLED, ROOT


def system(platform: str = sys.platform) -> str:
    """Raises ConfigError on Windows, where Spark needs winutils and checkpoints do not recover."""
    if platform == "win32":
        raise ConfigError(
            "Windows lacks what Spark and Hadoop need (winutils, recovery)",
            platform,
            "use WSL or a container",
        )
    return f", Python {sys.version.split()[0]} on {platform}"


def encoding(names: tuple[str, ...] | None = None) -> str:
    """Raises ConfigError where text is not written as UTF-8: tweets are full of emoji."""
    for name in names or (sys.getfilesystemencoding(), sys.stdout.encoding):
        if name.lower().replace("-", "") != "utf8":
            raise ConfigError(
                f"text is written as {name}, which has no emoji",
                "the locale",
                "export PYTHONUTF8=1",
            )
    return ", UTF-8"


def packages(file: Path = ROOT / "requirements.txt") -> str:
    """Raises ConfigError where the installed packages are not the pinned ones.

    An old tweepy has no StreamingClient, an old kafka-python no Python 3.12, and PySpark fits the
    connector in one version only.
    """
    wrong = []
    wanted = (
        "\n".join(requires("tweets-to-hdfs") or [])
        if INSTALLED
        else file.read_text(encoding="utf-8")
    )
    pins = re.findall(r"^([\w-]+)==([\w.]+)\s*$", wanted, re.MULTILINE)
    for name, pinned in pins:
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "none"
        if installed != pinned:
            wrong.append(f"{name} {installed} instead of {pinned}")
    if wrong:
        raise ConfigError(
            f"packages are not as pinned: {', '.join(wrong)}",
            str(file),
            "make setup, and run .venv/bin/python",
        )
    return f", {len(pins)} as pinned"
