"""The steps of scripts/setup, each of which looks first whether it was done already."""

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys

from config.errors import ConfigError, ServiceUnreachable
from config.venv import PYTHON, ROOT
from local import class_archive, compile, jars, jdk, page_libraries
from local.say import say

ABOUT = "Make this checkout ready to run: the venv, the jars, our Java. A second run does nothing."
VENV = ROOT / ".venv"
SPACE_BYTES = 2_000_000_000


def main() -> None:
    """Do what the flags say; raises PipelineError with the remedy for whatever the machine
    lacks."""
    parser = argparse.ArgumentParser(prog="scripts/setup", description=ABOUT)
    parser.add_argument(
        "--dev", action="store_true", help="also install what the checks and tests need"
    )
    parser.add_argument(
        "--notebook", action="store_true", help="also install what the notebook needs; --dev does"
    )
    parser.add_argument(
        "--delta", action="store_true", help="also fetch what scripts/submit delta needs"
    )
    parser.add_argument("--java", action="store_true", help="only compile our Java")
    parser.add_argument(
        "--update-locks",
        action="store_true",
        help="resolve config/jars/*.txt again and write the lock files",
    )
    args = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "setup.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # two terminals may both say make
        if args.java:
            compile.compile_all()
            return
        if not shutil.which("make"):
            say("setup: make is missing (Debian: apt install make); the scripts work without it")
        install_packages("requirements-dev.txt" if args.dev else "requirements.txt")
        notebook = args.dev or args.notebook
        if notebook:
            install_packages("requirements-notebook.txt")
        if jdk.find() is None:
            jdk.fetch()
        if args.update_locks:
            in_venv("lock", [*jars.SETS, jars.NOTEBOOK, jars.DELTA, *jars.COMPILED_AGAINST])
        wanted = [*jars.SETS, *([jars.NOTEBOOK] if notebook else [])]
        wanted += [jars.DELTA] if args.delta else []
        missing = [name for name in wanted if not jars.installed(name)]
        if missing:
            need_space()
            in_venv("install", missing)
        compile.compile_all()
        class_archive.make()
        page_libraries.fetch()


def install_packages(requirements: str) -> None:
    """Make the venv and install what `requirements` (a file name) lists, unless that was done for
    this very content."""
    # requirements-dev.txt begins with the other
    included = sorted({"requirements.txt", requirements})
    stamps = {
        VENV / f"{name}.sha256": hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        for name in included
    }
    if PYTHON.exists() and all(
        stamp.exists() and stamp.read_text() == content for stamp, content in stamps.items()
    ):
        return
    need_space()
    if not PYTHON.exists():
        say("setup: making .venv")
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
        )
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise ConfigError(
                "this Python cannot make a venv", sys.executable, "Debian: apt install python3-venv"
            )
    say(f"setup: installing {requirements} (PySpark is large: about a minute the first time)")
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(ROOT / requirements),
    ]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        why = next(
            (line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")),
            "pip failed",
        )
        raise ServiceUnreachable(
            f"cannot install {requirements}: {why}",
            "",
            "check the network or pip's index, then make setup",
        )
    for stamp, content in stamps.items():
        stamp.write_text(content)


def in_venv(verb: str, names: list[str]) -> None:
    """Let the venv's Python, which has jgo, install or lock the sets of jars; its message and exit
    code are ours."""
    done = subprocess.run([str(PYTHON), "-m", "local.jars", verb, *names], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def need_space() -> None:
    """Raise ConfigError unless the disk has room for the packages and jars."""
    free = shutil.disk_usage(ROOT).free
    if free < SPACE_BYTES:
        need, have = SPACE_BYTES // 1_000_000, free // 1_000_000
        raise ConfigError(
            f"the disk has {have} MB left, set-up needs {need} MB",
            str(ROOT),
            "make room, then make setup",
        )
