"""`make pack`: what an executor needs of ours, in one archive for spark-submit's --archives.

It holds the packages that tasks import, our code, and our functions compiled for this machine's
kind of CPU; another kind compiles them once more. It holds neither Spark nor an interpreter: each
host has a Python of the same minor version.
"""

import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import tarfile
from importlib import metadata
from pathlib import Path

from config.errors import PipelineError, exit_with
from config.venv import PYTHON, ROOT
from local import requirements
from local.say import say

TARGET = ROOT / "build" / "pack"
# what consumers/, units/ and config/ import of others, but for Spark; with what these need
PACKAGES = (
    "isal",
    "msgspec",
    "numba",
    "numpy",
    "prometheus_client",
    "pyarrow",
    "rich",
    "tomli",
    "vaderSentiment",
)
OURS = ("config", "consumers", "monitoring", "units", "connector/kafka_dstreams")
FILES = ("connector/kafka_dstreams_hook.py", "connector/sitecustomize.py")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "java")
WARM = "from consumers.tweets import lines; lines.prepare()"


def pack() -> Path:
    """The archive of this checkout as it is; made unless it is there. Raises PipelineError where
    our code does not run from it."""
    app = TARGET / "app"
    shutil.rmtree(app, ignore_errors=True)
    app.mkdir(parents=True)
    for name in OURS:
        shutil.copytree(ROOT / name, app / Path(name).name, ignore=LEFT_OUT)
    for name in FILES:
        shutil.copy2(ROOT / name, app)
    for name in sorted(requirements.closure(PACKAGES)):
        _copy(metadata.distribution(name), app)
    archive = TARGET / f"tweets-{_digest(app)}.tar.gz"
    if not archive.exists():
        say("pack: compiling (half a minute)")
        # by content: times of unpacking say nothing
        by_content = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(app, quiet=2, workers=0, invalidation_mode=by_content)
        _warm(app)
        fresh = archive.with_suffix(".new")
        with tarfile.open(fresh, "w:gz", compresslevel=3) as tar:
            tar.add(app, ".", filter=_nobodys)
        fresh.replace(archive)
    shutil.rmtree(app)
    return archive


def _copy(package: metadata.Distribution, app: Path) -> None:
    """Its modules, and what says which version it is."""
    for file in package.files or []:
        described = file.parts[0].endswith(".dist-info") and file.name != "METADATA"
        if not described and not {"__pycache__", "..", "tests"} & set(file.parts):
            target = app / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(str(file.locate())), target)


def _digest(app: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in app.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(app)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _warm(app: Path) -> None:
    """Have our functions compiled into the archive's own folder."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "PYTHON"))}
    done = subprocess.run(
        [str(PYTHON), "-c", WARM],
        cwd=app,
        env={**environ, "PYTHONPATH": str(app)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PipelineError(f"the packed code does not run:\n{done.stderr[-2000:]}", str(app))


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main() -> None:
    """Print the archive's path."""
    archive = pack()
    say(f"pack: {archive.stat().st_size / 1e6:.0f} MB; spark-submit --archives {archive}#app")
    print(archive)


if __name__ == "__main__":
    exit_with(main)
