"""What a service is: its ports, its configuration, its command, and when it is ready."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import PipelineError
from config.venv import ROOT
from local import jars, jdk

HOST = "127.0.0.1"  # nothing listens anywhere else
LOGGING = ROOT / "config" / "services"


@dataclass(frozen=True)
class Node:
    """One service: `ports` maps each port to the setting that moves it, `ready` says what is
    missing, `prepare` formats, `environ` is its whole environment where it is not ours."""

    name: str
    address: str
    ports: dict[int, str]
    command: list[str]
    prepare: Callable[[], None]
    ready: Callable[[], str]
    configuration: dict[Path, str] = field(default_factory=dict)
    host: str = HOST
    environ: dict[str, str] | None = None


def java(jar_set: str, heap_mb: int, options: list[str], folders: list[Path]) -> list[str]:
    """The java command up to the main class."""
    class_path = ":".join(map(str, [*folders, *jars.files(jar_set)]))
    heap = ["-Xms32m", f"-Xmx{heap_mb}m"]  # the second is what it may grow to, not what it takes
    return [
        str(jdk.home() / "bin" / "java"),
        *heap,
        "-XX:+UseSerialGC",
        *options,
        "-cp",
        class_path,
    ]


def run(command: list[str], folder: Path, purpose: str) -> None:
    """Run a preparing command in `folder` to its end. Raises PipelineError with its last words."""
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise PipelineError(
            f"cannot {purpose}:\n{words}",
            "",
            "scripts/services clean removes the data of all services",
        )
