"""Old scripts run as their users run them: started by scripts/submit, watched by what they print,
killed in the end."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from kafka import KafkaProducer

from tests.conftest import ROOT, wait_until
from tests.kit.other_spark import SUBMIT

SECONDS = 180  # for a JVM, a Python and a first batch on a busy machine


def whole_lines(text: str) -> str:
    """What a file that is still written holds for certain: a line without its end may go on."""
    return text[: text.rfind("\n") + 1]


class Running:
    """A started script; its output is in files, so that nothing blocks it."""

    def __init__(self, command: Sequence[str], folder: Path, environ: dict[str, str]) -> None:
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, env=environ, start_new_session=True
            )

    def output(self) -> str:
        """The whole lines that it has written to stdout so far: of the last one there may be
        half."""
        return whole_lines(self.out.read_text(errors="replace"))

    def wait_for(self, condition: Callable[[str], object], what: str) -> str:
        """Wait until the output fulfils the condition and return the output; fail with what it
        wrote if it ends before."""

        def seen() -> bool:
            ended = self.process.poll() is not None
            if condition(self.output()):
                return True
            assert not ended, (
                f"ended before {what}:\n{self.output()[-1500:]}\n"
                f"{self.err.read_text(errors='replace')[-3000:]}"
            )
            return False

        wait_until(seen, SECONDS, f"{what}; stderr: {self.err.read_text(errors='replace')[-1500:]}")
        return self.output()

    def kill(self) -> None:
        """SIGKILL for the JVM, then for what it leaves behind."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(
    script: str,
    arguments: Sequence[str],
    folder: Path,
    options: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Start tests/on_spark/SCRIPT under scripts/submit, `environ` added to its environment; it is
    killed at the end of the block."""
    folder.mkdir(exist_ok=True)
    command = [
        *SUBMIT,
        *options,
        str(ROOT / "tests" / "on_spark" / script),
        *arguments,
    ]
    started = Running(command, folder, {**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})})
    try:
        yield started
    finally:
        started.kill()


def send_lines(bootstrap: str, topic: str, lines: Sequence[str], partitions: int = 3) -> None:
    """Spread the lines evenly over the topic's partitions; returns when all are acknowledged."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for number, line in enumerate(lines):
        producer.send(topic, line.encode(), partition=number % partitions)
    producer.close()
