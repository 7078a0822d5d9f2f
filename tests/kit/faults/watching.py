"""Beside an attack, all the time: the load, and a reader that looks at what is published."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hdfs.util import HdfsError
from requests import RequestException
from urllib3.exceptions import HTTPError

from tests.conftest import ROOT, Services, wait_until
from tests.kit import jobs

LOAD = 60  # tweets a second


class Reader(threading.Thread):
    """Looks at the published batches again and again; whatever it sees must be whole at first
    sight."""

    def __init__(self, services: Services, output: str) -> None:
        super().__init__(daemon=True)
        self.files, self.root = services.files, f"{jobs.path_of(output)}/batches"
        self.seen: dict[str, float] = {}  # name: when it was first seen
        self.partial: list[str] = []
        self._stopping = threading.Event()

    def run(self) -> None:
        ending = False
        while not ending:
            ending = self._stopping.wait(0.3)  # and one more look after that
            try:
                self._look_for_new_ones()
            except (RequestException, HTTPError, OSError):
                pass  # a service is away, or went in the middle of an answer: looked at again
            except HdfsError as error:  # so it is here, unless HDFS knows that a file is not there
                if "does not exist" in str(error):
                    self.partial.append(str(error))
            except ValueError as error:
                self.partial.append(f"half a manifest: {error}")
            except Exception as error:
                self.partial.append(f"the reader itself failed: {error!r}")
                raise

    def _look_for_new_ones(self) -> None:
        if not self.seen and not self.files.status(self.root, strict=False):
            return
        there = {
            f"{shard}/{name}"
            for shard in self.files.list(self.root)
            for name in self.files.list(f"{self.root}/{shard}")
        }
        for name in sorted(there - set(self.seen)):
            at = time.monotonic()
            self._look(name)
            self.seen[name] = at

    def _look(self, name: str) -> None:
        """Compare the batch's manifest with the files there."""
        with self.files.read(f"{self.root}/{name}/_manifest.json") as file:
            manifest = json.load(file)
        there = {}
        for kind in ("tweets", "rejected"):
            there.update(
                {
                    f"{kind}/{file}": status["length"]
                    for file, status in self.files.list(f"{self.root}/{name}/{kind}", True)
                }
            )
        wanted = {part["path"]: part["bytes"] for part in manifest["files"]}
        if there != wanted:
            self.partial.append(f"{name} holds {there}, its manifest says {wanted}")

    def stop(self) -> None:
        """End the looking, after one more look."""
        self._stopping.set()
        self.join(180)

    def after(self, moment: float) -> float | None:
        """When the first batch was seen that was published after this moment."""
        return min((at for at in list(self.seen.values()) if at > moment), default=None)

    def longest_gap(self, begin: float, end: float) -> float:
        """The longest time without a new batch between the two moments (s)."""
        times = [begin, *sorted(at for at in self.seen.values() if begin < at < end), end]
        return max(b - a for a, b in zip(times, times[1:], strict=False))


@contextmanager
def load(services: Services, topic: str, folder: Path, seed: int) -> Iterator[None]:
    """The producer publishing all the time; at the end it flushes and stops. Its ledger and report
    are in `folder`."""
    ledger = folder / "ledger.jsonl"
    command = [
        sys.executable,
        "-m",
        "producer",
        "--source",
        "sample",
        "--max-posts",
        "0",
        "--topic",
        topic,
        "--rate",
        str(LOAD),
        "--seed",
        str(seed),
    ]
    command += [
        "--malformed",
        "0.02",
        "--ledger",
        str(ledger),
        "--report",
        str(folder / "producer.json"),
    ]
    with (folder / "producer.err").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **services.environ}, stderr=said
        )
    try:
        wait_until(lambda: ledger.exists() and ledger.stat().st_size, 120, "the producer publishes")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    assert process.returncode == 0, "the producer was under no attack"
