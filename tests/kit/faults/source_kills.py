"""A RabbitMQ queue under load, read by a source written in Python, while something is killed again
and again: which messages came, and which came twice."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pika

from tests.conftest import wait_until
from tests.kit.clusters import kill_all
from tests.kit.faults.results import spread
from tests.kit.old_scripts import Running
from tests.kit.rabbitmq import RabbitMQ
from tests.kit.sourced import alive, opened, parent, sourcing, stopped

QUEUE, WINDOW = "numbers", 1000
RATE = 200  # messages per second
LIMIT_S = 120.0


class Load(threading.Thread):
    """Publishes 0, 1, 2, … to a durable queue; `confirmed` are those that the broker has on its
    disk. One in doubt is not sent again, so that all repeats are deliveries."""

    def __init__(self, broker: RabbitMQ) -> None:
        super().__init__(daemon=True)
        self.broker, self.ended = broker, threading.Event()
        self.confirmed: set[int] = set()
        self.next = 0

    def run(self) -> None:
        while not self.ended.is_set():
            with suppress(pika.exceptions.AMQPError, OSError):
                self._publish()
            self.ended.wait(0.1)

    def _publish(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.broker.url)) as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.confirm_delivery()
            on_disk = pika.BasicProperties(delivery_mode=2)
            while not self.ended.wait(1 / RATE):
                number, self.next = self.next, self.next + 1
                channel.basic_publish("", QUEUE, b"%d" % number, on_disk)
                self.confirmed.add(number)


class Seen:
    """What the batches of all runs held, read as it is written; a batch that is printed again by
    a recovered driver counts once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.read = folder, defaultdict[Path, int](int)
        self.batches: dict[str, list[str]] = {}
        self.highest = -1

    def look(self) -> int:
        """Read what is new; the highest number so far."""
        for file in self.folder.glob("run-*/stdout"):
            with file.open("rb") as text:
                text.seek(self.read[file])
                new = text.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.read[file] += len(whole)
            for line in whole.splitlines():
                if line.startswith(b'{"time"'):
                    row = json.loads(line)
                    self.batches[row["time"]] = row["values"]
                    numbers = (int(value.rstrip("r")) for value in row["values"])
                    self.highest = max(self.highest, *numbers, -1)
        return self.highest

    def came(self) -> dict[int, list[bool]]:
        """Each number that came, and for each time whether the broker said that it comes again."""
        found = defaultdict[int, list[bool]](list)
        for values in self.batches.values():
            for value in values:
                found[int(value.rstrip("r"))].append(value.endswith("r"))
        return found


class Attack:
    """One application under kills of one kind: worker, driver, broker or executor."""

    def __init__(
        self,
        kind: str,
        broker: RabbitMQ,
        folder: Path,
        options: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        bug: str = "",
    ) -> None:
        self.kind, self.broker, self.folder = kind, broker, folder
        self.options, self.environ = options, environ
        self.words = ("rabbit", broker.url, str(WINDOW), bug)
        self.load, self.seen = Load(broker), Seen(folder)
        self.recovered: list[float] = []
        self.random = random.Random(kind)

    def run(self, kills: int) -> dict[str, Any]:
        """Kills that many times, each at a random moment after the last recovery; then waits for
        all messages and an orderly stop. Returns the figures."""
        begun = time.monotonic()
        self.load.start()
        with ExitStack() as always, ExitStack() as self.stack:
            always.callback(self.load.ended.set)  # it would publish to the next test's broker
            self._start()
            while len(self.recovered) < kills:
                self._recovery(self.load.next, "a first message")
                time.sleep(self.random.uniform(0, 2))
                at, last = time.monotonic(), self.load.next
                getattr(self, f"_kill_{self.kind}")()
                self._recovery(last, f"recovery from kill {len(self.recovered) + 1}")
                self.recovered.append(round(time.monotonic() - at, 2))
            self.load.ended.set()
            self.load.join()
            self._recovery(max(self.load.confirmed) - 1, "the last message")
            stopped(self.job, self.folder)
        self.seen.look()
        return self.figures(time.monotonic() - begun)

    def figures(self, seconds: float) -> dict[str, Any]:
        """What the results file keeps."""
        came = self.seen.came()
        return {
            "recovered_s": self.recovered,
            "messages": len(self.load.confirmed),
            "lost": len(self.load.confirmed - set(came)),
            "delivered_again": sum(len(times) - 1 for times in came.values()),
            "again_without_the_brokers_word": sum(
                times.count(False) > 1 for times in came.values()
            ),
            "seconds": round(seconds),
            "load_per_s": RATE,
        }

    def _start(self) -> None:
        again = sourcing(self.folder, *self.words, options=self.options, environ=self.environ)
        self.job: Running = self.stack.enter_context(again)

    def _recovery(self, last: int, what: str) -> None:
        def there() -> bool:
            assert self.job.process.poll() is None, f"ended before {what}: {self.job.err}"
            return self.seen.look() > last

        wait_until(there, LIMIT_S, f"{what}: {self.job.err}")

    def _kill_worker(self) -> None:
        kill_all([opened(self.folder)[-1]])

    def _kill_driver(self) -> None:
        self.stack.close()
        wait_until(lambda: not alive(opened(self.folder)[-1]), 5, "the source's process ends too")
        self._start()

    def _kill_broker(self) -> None:
        self.broker.kill()
        self.broker.start()

    def _kill_executor(self) -> None:
        kill_all([parent(opened(self.folder)[-1])])


def merged(slices: list[dict[str, Any]]) -> dict[str, Any]:
    """All slices of one kind as one."""
    recovered = [second for one in slices for second in one["recovered_s"]]
    sums = ("messages", "lost", "delivered_again", "again_without_the_brokers_word", "seconds")
    return {
        "kills": len(recovered),
        "recovery_s": spread(recovered),
        **{name: sum(one[name] for one in slices) for name in sums},
        "load_per_s": RATE,
        "commits": sorted({one["commit"] for one in slices}),
        "until": max(one["date"] for one in slices),
    }
