"""The JDK: found on the machine, or fetched into build/jdk."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from config.errors import ConfigError
from config.venv import PYTHON, ROOT
from local.say import say

OLDEST = 17
FETCHED = ROOT / "build" / "jdk"
REMEDY = (
    f"install a JDK {OLDEST} or newer (Debian: apt install openjdk-17-jdk-headless) or set "
    "JAVA_HOME to one"
)


def home() -> Path:
    """The JDK's folder: JAVA_HOME, or the one whose javac is on the PATH, or build/jdk.

    Raises ConfigError when none of them is a JDK of version 17 or newer.
    """
    found = find()
    if found is None:
        raise ConfigError(f"no JDK {OLDEST} or newer (with javac)", "JAVA_HOME and PATH", REMEDY)
    return found


def find() -> Path | None:
    """Like `home`, but None where there is no JDK."""
    places = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    javac = shutil.which("javac")
    if javac:
        places.append(Path(javac).resolve().parent.parent)
    return next((place for place in [*places, FETCHED] if _version(place) >= OLDEST), None)


def fetch() -> Path:
    """Get a JDK into build/jdk with cjdk (it comes with jgo, so the venv must be there). Raises
    ConfigError."""
    say(
        f"setup: this machine has no JDK {OLDEST} or newer; fetching one into build/ (about 200 MB)"
    )
    code = (
        "import cjdk, sys; print(cjdk.java_home(version=sys.argv[1], cache_dir=sys.argv[2], "
        "progress=False))"
    )
    command = [str(PYTHON), "-c", code, str(OLDEST), str(ROOT / "build" / "jdk-cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    place = Path(done.stdout.strip() or "/nonexistent")
    if done.returncode or _version(place) < OLDEST:
        raise ConfigError(
            f"this machine has no JDK {OLDEST} or newer and none could be fetched", "", REMEDY
        )
    FETCHED.unlink(missing_ok=True)
    FETCHED.symlink_to(place)
    return FETCHED


def _version(place: Path) -> int:
    """The major version of the JDK in this folder; 0 when there is none, or no compiler in it."""
    javac = place / "bin" / "javac"
    if not javac.exists():
        return 0
    release = place / "release"  # asking javac itself takes a JVM start
    text = release.read_text(errors="replace") if release.exists() else _asked(javac)
    found = re.search(r'(?:JAVA_VERSION="|javac )(\d+)', text)
    return int(found.group(1)) if found else 0


def _asked(javac: Path) -> str:
    done = subprocess.run([str(javac), "-version"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
