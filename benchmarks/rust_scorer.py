"""vader-parity, a crate for Rust with vaderSentiment's scores, as one more candidate of scorer.py:
the only other exact scorer there is. Needs cargo."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from config.venv import ROOT

CRATE = Path(__file__).with_name("rust") / "Cargo.toml"
TARGET = ROOT / "build" / "bench" / "rust"


class RustScorer:
    """A process that scores the same texts as often as it is asked; `scores` are (neg, neu, pos,
    compound) of each."""

    def __init__(self, process: "subprocess.Popen[str]", texts: int) -> None:
        self._process = process
        self.scores = [tuple(map(float, self._line().split())) for _ in range(texts)]

    def round_ns(self) -> int:
        """Score all texts; the CPU time that it took, in ns."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def started(texts: Sequence[str]) -> Iterator[RustScorer | None]:
    """The scorer of these texts, which have no NUL bytes; None where cargo is not installed. Raises
    CalledProcessError where the crate cannot be fetched or built."""
    cargo = shutil.which("cargo")
    if not cargo:
        yield None
        return
    build = [cargo, "build", "--quiet", "--release", "--locked", "--manifest-path", CRATE]
    subprocess.run([*build, "--target-dir", TARGET], check=True)
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".texts") as file:
        file.write("\0".join(texts))
        file.flush()
        command = [TARGET / "release" / "vader-parity-rounds", file.name]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
            yield RustScorer(process, len(texts))  # it ends when its input is closed
