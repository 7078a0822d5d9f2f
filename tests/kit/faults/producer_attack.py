"""kill -9 of the producer again and again, and the judgement: what the server sent, spool and
ledger against the topic."""

import hashlib
import json
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.stub_servers.jetstream import Jetstream
from producer.run import spool_owner
from producer.spool.spool import SMALLEST_BYTES, Spool
from tests.conftest import Services, wait_until
from tests.kit.producing import published, running

Kept = tuple[bytes | None, bytes | None]


@dataclass
class Attack:
    """One spool, one ledger, one topic; each `kill` is a start of the producer that ends with kill
    -9."""

    services: Services
    folder: Path
    topic: str
    stub: Jetstream
    posts_a_second: float
    # what was on the disk and not crossed off, over all kills
    left: Counter[Kept] = field(default_factory=Counter)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def started(self) -> subprocess.Popen[bytes]:
        """The producer under way, and what it had to deliver from before delivered or about to
        be."""
        arguments = ("--source", "bluesky", "--jetstream-url", self.stub.v2, "--topic", self.topic)
        process = running(
            self.services,
            *arguments,
            "--spool",
            str(self.folder / "spool"),
            "--ledger",
            str(self.ledger),
        )
        before = self.acked()
        # the first start has no position: it gets what is new from its connection on
        if not self.stub.rate:
            wait_until(
                lambda: self.stub.connections or process.poll() is not None,
                60,
                "the producer subscribes",
            )
            self.stub.rate = self.posts_a_second / 0.85  # the rest are likes and markers
        wait_until(
            lambda: self.acked() > before or process.poll() is not None,
            60,
            "the producer publishes",
        )
        assert process.poll() is None, process.communicate()
        return process

    def acked(self) -> int:
        return self.ledger.stat().st_size if self.ledger.exists() else 0

    def kill(self, after_s: float) -> None:
        """Let the producer run so long, then end it at once; count what its spool holds."""
        process = self.started()
        end = time.monotonic() + after_s
        wait_until(lambda: time.monotonic() > end, after_s + 5, "the moment has come")
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        self.look()

    def look(self) -> None:
        """Count what lies in the spool and is not crossed off: it must come, and it may come
        twice."""
        owner = spool_owner("bluesky", self.topic, self.services.bootstrap)
        spool = Spool(self.folder / "spool", owner, SMALLEST_BYTES)
        found = 0
        while entries := spool.take(0):
            self.left.update((entry.key, entry.value) for entry in entries)
            found += len(entries)
        assert found == spool.found
        spool.close()

    def finish(self) -> dict[str, Any]:
        """Let the server fall silent, the producer deliver the rest and stop in order; returns its
        report."""
        self.stub.posts = 1  # no more
        sent = {key.encode() for key in self.stub.published()}
        process = self.started()
        wait_until(
            lambda: sent <= {line["key"].encode() for line in self.ledger_lines()},
            120,
            "everything is in the ledger",
        )
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return json.loads(out)

    def ledger_lines(self) -> list[dict[str, Any]]:
        """Its whole lines: while the producer runs the last one may be under way."""
        return [json.loads(line) for line in self.ledger.read_bytes().split(b"\n")[:-1]]

    def judged(self, report: dict[str, Any]) -> dict[str, Any]:
        """Everything the server sent is on the topic, everything the ledger says too, and only what
        was left came twice."""
        found = published(self.services, self.topic)
        times = Counter(found.values())
        sent = Counter(
            (key.encode(), frame.encode() if frame is not None else None)
            for key, frames in self.stub.published().items() for frame in frames
        )  # fmt: skip
        assert set(times) == set(sent), (
            f"{len(set(sent) - set(times))} missing, {len(set(times) - set(sent))} invented"
        )
        for line in self.ledger_lines():
            key, value = found[line["partition"], line["offset"]]
            digest = None if value is None else hashlib.sha256(value).hexdigest()
            assert (line["key"], line["sha256"]) == ((key or b"").decode(), digest)
        assert len(self.ledger_lines()) <= len(found)
        repeats = times - sent
        assert not repeats - self.left, (
            "only what was on the disk and not crossed off at a kill may come twice"
        )
        assert set(self.left) <= set(times), "what was on the disk is on the topic"
        in_order_of_key(found, self.stub)
        assert report["read"] + report["from_spool"] == report["acked"] + report["spooled"]
        assert (report["failed"], report["rejected"], report["spooled"]) == (0, 0, 0)
        return {
            "posts": len(sent),
            "records": len(found),
            "missing": 0,
            "repeats": sum(repeats.values()),
        }


def in_order_of_key(found: dict[tuple[int, int], Kept], stub: Jetstream) -> None:
    """All records of a key are in one partition, and the first of each is where the server had
    it."""
    places: dict[bytes | None, list[tuple[tuple[int, int], bytes | None]]] = {}
    for place, (key, value) in sorted(found.items()):
        places.setdefault(key, []).append((place, value))
    for key, frames in stub.published().items():
        mine = places[key.encode()]
        assert len({partition for (partition, _), _ in mine}) == 1
        firsts = list(dict.fromkeys(value for _, value in mine))
        # an account may go more than once
        sent = (frame.encode() if frame is not None else None for frame in frames)
        assert firsts == list(dict.fromkeys(sent))


def kills(
    services: Services, folder: Path, topic: str, rounds: int, posts_a_second: int, seed: int
) -> dict[str, Any]:
    """The whole attack; returns the figures."""
    moments, begun = random.Random(seed), time.monotonic()
    with Jetstream(rate=0) as stub:
        attack = Attack(services, folder, topic, stub, posts_a_second)
        for _ in range(rounds):
            attack.kill(moments.uniform(0.05, 1.5))
        seconds = time.monotonic() - begun
        report = attack.finish()
        figures = attack.judged(report)
    return {
        "kills": rounds,
        "seed": seed,
        **figures,
        "posts_per_second": round(figures["posts"] / seconds, 1),
    }
