"""tests/on_spark/sourcing.py under a test: what came, which processes ran."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kafka_dstreams.sources import Source
from tests.conftest import ROOT, wait_until
from tests.kit.old_scripts import Running, running

MODULES = (
    ROOT / "tests" / "on_spark" / "numbered.py",
    ROOT / "examples" / "rabbitmq_wordcount.py",
)
LOG = (
    "--conf",
    "spark.streaming.receiver.writeAheadLog.enable=true",
    "--conf",
    "spark.streaming.gracefulStopTimeout=60s",
)


@contextmanager
def sourcing(
    folder: Path,
    *words: str,
    options: Sequence[str] = (),
    log: Sequence[str] = LOG,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """sourcing.py with this source; its checkpoint and the source's own files are in `folder`."""
    runs = len(list(folder.glob("run-*")))
    words = (str(folder), *words)
    options = [*log, "--py-files", ",".join(map(str, MODULES)), *options]
    whole = {**os.environ, **(environ or {})}
    with running("sourcing.py", words, folder / f"run-{runs}", options, environ=whole) as run:
        yield run


def numbers(first: int, last: int) -> list[bytes]:
    """The values from `first` to before `last`."""
    return [b"%d" % number for number in range(first, last)]


def received(source: Source, count: int, store: bool = True) -> list[int]:
    """The numbers that a source brings, without Spark, until this number of different ones is
    there; each poll stored or not."""
    found: list[int] = []

    def there() -> bool:
        found.extend(int(message.value or b"") for message in source.poll(70, 0.2))
        if store:
            source.ack()
        return len(set(found)) >= count

    wait_until(there, 60, f"{count} numbers come")
    return found


def values(*texts: str) -> Counter[str]:
    """How often each value came, in batches that were each printed once or more."""
    batches = {}
    for text in texts:
        for line in text.splitlines():
            if line.startswith('{"time"'):
                row = json.loads(line)
                batches[row["time"]] = row["values"]
    return Counter(value for batch in batches.values() for value in batch)


def missing(came: Counter[str]) -> list[int]:
    """Which numbers below the highest one did not come."""
    return sorted(set(range(max(map(int, came), default=0))) - set(map(int, came)))


def stopped(run: Running, folder: Path) -> float:
    """Ask for a graceful stop; how many seconds it took."""
    (folder / "stop").touch()
    return stop_said(run)


def stop_said(run: Running) -> float:
    """Wait for the line that says how many seconds a stop took."""
    text = run.wait_for(lambda text: '{"stopped"' in text, "the stop")
    line = next(line for line in text.splitlines() if line.startswith('{"stopped"'))
    return float(json.loads(line)["stopped"])


def opened(folder: Path) -> list[int]:
    """The processes that have opened the source, the newest last."""
    try:
        return list(map(int, (folder / "opened").read_text().split()))
    except FileNotFoundError:
        return []


def acknowledged(folder: Path) -> int:
    """How many messages of a numbered source have been acknowledged."""
    try:
        return int((folder / "acknowledged").read_text())
    except FileNotFoundError:
        return 0


def alive(pid: int) -> bool:
    """Whether it runs, as anything but a zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def parent(pid: int) -> int:
    """The process that has started it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid: int, by: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, by)
