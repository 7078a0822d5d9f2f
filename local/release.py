"""Build the connector's wheel and sdist into dist/ and try both in a new venv: `make release`.

The sdist is installed from its source, which compiles the Java again; so both are tried. `make
test-sparks` tries the wheel on other Sparks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from config.errors import ConfigError, exit_with
from config.venv import PYTHON, ROOT
from local import jdk
from local.say import say

DIST = ROOT / "dist"
TRIED = """\
from pathlib import Path
from pyspark.streaming.kafka import KafkaUtils
import kafka_dstreams
assert KafkaUtils is kafka_dstreams.KafkaUtils
jars = Path(kafka_dstreams.__file__).parent / "jars"
print(*sorted(jar.name for jar in jars.glob("*.jar")))
"""


def main() -> None:
    """Build, try, and name what was built. Raises ConfigError where a step fails."""
    shutil.rmtree(DIST, ignore_errors=True)
    source = str(ROOT / "connector")
    _run(PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(DIST), source)
    _run(PYTHON, "-m", "build", "--sdist", "--outdir", str(DIST), source)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "venv")
        _run(Path(sys.executable), "-m", "venv", str(place))
        python = place / "bin" / "python"
        say("release: installing PySpark into a new venv")
        _run(python, "-m", "pip", "install", "--quiet", _pinned("pyspark"))
        for built in sorted(DIST.iterdir()):
            _run(python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", built)
            found = _run(python, "-c", TRIED, cwd=folder).split()
            if not {"kafka-dstreams_2.12.jar", "kafka-dstreams_2.13.jar"} < set(found):
                raise ConfigError(f"no jars in {built.name}", str(found), "see connector/setup.py")
            say(f"release: {built.name} installs and has {', '.join(found)}")
    print(*sorted(DIST.iterdir()), sep="\n")


def _pinned(package: str) -> str:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _run(*command: str | Path, cwd: str | Path = ROOT) -> str:
    """What the command wrote to standard output."""
    environ = {**os.environ, "JAVA_HOME": str(jdk.home())}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise ConfigError(
            "a step of the release failed", " ".join(map(str, command)), "read its output above"
        )
    return done.stdout


if __name__ == "__main__":
    exit_with(main)
