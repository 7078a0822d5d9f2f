"""What docs/learn.md and docs/dstreams-today.md have people type, taken out of the pages and
run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.lab import Program
from local import jars, jdk
from local.notebooks import TOO_SLOW
from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import jobs
from tests.kit.compacting import mirror
from tests.kit.documents import blocks

BATCH = re.compile(r"batch \d+: ")


def by_hand() -> list[str]:
    """The blocks of commands of the experiments by hand."""
    page = (ROOT / "docs" / "learn.md").read_text(encoding="utf-8")
    part = page.partition("\n## Four experiments by hand\n")[2].partition("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```", part, re.DOTALL | re.MULTILINE)


class Terminals:
    """One for each program that goes on, and one for all others."""

    def __init__(self, services: Services, folder: Path) -> None:
        self._services, self._folder = services, folder
        self._environ = {**os.environ, **services.environ, "PYTHONUNBUFFERED": "1"}
        self._open: list[tuple[str, Program]] = []

    def type(self, command: str) -> None:
        """A program that reads a topic goes on when it has read something, the producer at once;
        any other has to end well."""
        words = shlex.split(command)
        here = command.replace("127.0.0.1:9092", self._services.bootstrap)
        here = here.replace("hdfs://127.0.0.1:8020", self._services.hdfs)
        if words[0] == "pkill":
            self.kill(words[-1])
        elif "--available-now" in words or words[0] not in ("python3", "scripts/submit"):
            subprocess.run(here, shell=True, check=True, cwd=ROOT, env=self._environ)
        else:
            log = self._folder / f"{len(self._open)}.log"
            program = Program(shlex.split(here), log, self._environ)
            self._open.append((command, program))
            if "examples/" in command:
                program.until(lambda said: "('be', " in said, "a word is counted")
            elif words[0] == "scripts/submit":
                program.until(lambda said: len(BATCH.findall(said)) >= 2, "two batches")

    def kill(self, pattern: str) -> None:
        """What `pkill -9 -f` does, but to these programs only."""
        running = [one for _, one in self._open if one.process.poll() is None]
        lines = (Path(f"/proc/{one.process.pid}/cmdline").read_bytes() for one in running)
        words = [line.replace(b"\0", b" ").decode() for line in lines]
        found = [one for one, line in zip(running, words, strict=True) if re.search(pattern, line)]
        assert found, f"{pattern} is in none of {words}"
        for program in found:
            program.kill()

    def interrupt(self, start: str) -> None:
        """Ctrl-C in each terminal whose command begins so."""
        for command, program in self._open:
            if command.startswith(start):
                program.stop()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_experiments_by_hand(services: Services, tmp_path: Path) -> None:
    """The page has people stop what a block started before they type the next one, unless that
    begins with a kill; the producer goes on until a job has to come to the topic's end."""
    terminals = Terminals(services, tmp_path)
    try:
        for block in by_hand():
            if not block.startswith("pkill"):
                terminals.interrupt("scripts/submit")
            if "--available-now" in block:
                terminals.interrupt("python3")
            for command in block.splitlines():
                terminals.type(command)
    finally:
        terminals.interrupt("")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_queries_of_dstreams_today(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    """Both are streams; that of published tweets has rows."""
    jobs.publish(services, topic, 60)
    mirror(services, topic, output)
    ours, theirs = blocks(ROOT / "docs" / "dstreams-today.md", "python")
    query = 'tweets.writeStream.format("memory").queryName("found").trigger(availableNow=True)'
    script = f"""
{ours.replace("hdfs://127.0.0.1:8020/tweets/direct", output)}
{query}.start().awaitTermination()
assert spark.table("found").count() == 60
{theirs}
assert tweets.isStreaming and len(tweets.columns) == 7
"""
    (tmp_path / "queries.py").write_text(script, encoding="utf-8")
    files = ",".join(map(str, jars.files("structured") + jars.files("connector")))
    told = {
        "JAVA_HOME": str(jdk.home()),
        "PYSPARK_SUBMIT_ARGS": f"--jars {files} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    for _ in range(3):  # Spark waits ten seconds for its Python worker, on a busy machine too
        done = subprocess.run(
            [sys.executable, tmp_path / "queries.py"],
            env={**os.environ, **services.environ, **told, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300 * PATIENCE,
            check=False,
        )
        if TOO_SLOW not in done.stderr:
            break
    assert done.returncode == 0, done.stderr[-4000:]
