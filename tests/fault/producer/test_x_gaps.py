"""X away, the producer away, the broker away: all that X holds is on the topic, or in a gap named
with its number of posts.

With the producer's own waiting times. X_CHAOS_S and FAULT_SEED choose how long the last test goes
on and what happens when.
"""

import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from local.stub_servers.x import XStub
from tests.conftest import Services, wait_until
from tests.fault.producer.test_producer_kills import write_down
from tests.integration.producer.test_producer_outages import start_again
from tests.kit.producing import produce, published, running

CHAOS_S = float(os.environ.get("X_CHAOS_S", "3600"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
KNOWN_S = 75.0  # a gap is searched 50 s after the reconnect, and some time for the search itself
DAY_S = 86_400


@dataclass
class Followed:
    """A stub of X on which posts appear all the time, and the producer that follows it, again and
    again."""

    services: Services
    topic: str
    folder: Path
    x: XStub
    said: list[str] = field(default_factory=list)  # what the producers have said so far

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The producer, connected to X."""
        before = len(self.x.connected_at)
        spool = ("--spool", str(self.folder / "spool"), "--ledger", str(self.folder / "ledger"))
        process = running(self.services, *self.source(), "--topic", self.topic, *spool, *arguments)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        wait_until(
            lambda: len(self.x.connected_at) > before or process.poll() is not None,
            120,
            "the producer connects",
        )
        assert process.poll() is None, self.said
        return process

    def source(self) -> tuple[str, ...]:
        return "--source", "stream", "--track", "coffee", "--x-base-url", self.x.url

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.said.append(line.decode())

    def stop(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """In order; returns its report. Afterwards X sends, and bills, nothing more."""
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert process.returncode == 0, self.said
        wait_until(
            lambda: not self.x.open_streams,
            30,
            "X notices at its next sign of life that it is gone",
        )
        assert process.stdout is not None
        report: dict[str, Any] = json.loads(process.stdout.read())
        return report

    def acked(self) -> set[str]:
        """The keys in the ledger's whole lines."""
        ledger = self.folder / "ledger"
        lines = ledger.read_bytes().split(b"\n")[:-1] if ledger.exists() else []
        return {json.loads(line)["key"] for line in lines}

    def held(self) -> set[str]:
        """What X holds."""
        return {post["data"]["id"] for post in list(self.x.world.posts)}

    def named(self) -> list[int]:
        """How many posts each gap has that was named and not fetched."""
        return [int(found[1]) for found in re.finditer(r"it has (\d+) posts", "".join(self.said))]

    def on_topic(self) -> list[str]:
        return [(key or b"").decode() for key, _ in published(self.services, self.topic).values()]


@pytest.fixture
def followed(services: Services, topic: str, tmp_path: Path) -> Iterator[Followed]:
    with XStub(keep_alive_s=1.0) as x:
        yield Followed(services, topic, tmp_path, x)


@contextmanager
def posting(x: XStub, rate: float) -> Iterator[None]:
    """Post this many per second."""
    enough = threading.Event()

    def post() -> None:
        while not enough.wait(1 / rate):
            x.world.invent(1)

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


@pytest.mark.long
@pytest.mark.parametrize("gap_s", [5, 20, 60])
def test_what_x_had_while_it_was_away_is_fetched_to_the_last_post(
    followed: Followed, gap_s: float
) -> None:
    x = followed.x
    process = followed.start()
    with posting(x, 10):
        wait_until(lambda: len(followed.acked()) > 50, 60, "posts come")
        connections = len(x.connected_at)
        x.go_away(gap_s)
        wait_until(
            lambda: len(x.connected_at) > connections, gap_s + 60, "the producer is connected again"
        )
        again = time.monotonic()
        wait_until(lambda: time.monotonic() > again + 10, 15, "some more posts have come")
    wait_until(lambda: not followed.held() - followed.acked(), KNOWN_S, "the gap is filled")
    report = followed.stop(process)
    assert report["backfilled"] >= 10 * gap_s * 0.8
    assert followed.named() == []
    on_topic = followed.on_topic()
    assert len(on_topic) == len(set(on_topic)), "each once"


@pytest.mark.long
def test_a_longer_gap_is_named_with_its_number_of_posts(followed: Followed) -> None:
    """A quarter of an hour and more: X's clock runs by itself, for both."""
    x = followed.x
    process = followed.start()
    with posting(x, 10):
        wait_until(lambda: len(followed.acked()) > 50, 60, "posts come")
    wait_until(lambda: not followed.held() - followed.acked(), 30, "all of them")
    connections = len(x.connected_at)
    x.go_away(960)
    wait_until(lambda: not x.open_streams, 10, "X has broken it off")
    for _ in range(16):
        x.world.invent(7)
        x.world.ahead_s += 60
    wait_until(lambda: len(x.connected_at) > connections, 60, "the producer is connected again")
    wait_until(followed.named, KNOWN_S, "the gap is named")
    with posting(x, 10):
        later = x.world.invent(1)[0]["data"]["id"]
        wait_until(lambda: later in followed.acked(), 30, "the stream goes on")
    wait_until(lambda: len(followed.held() - followed.acked()) <= 16 * 7, 30, "all but the gap")
    report = followed.stop(process)
    assert followed.named() == [16 * 7]
    assert (report["backfilled"], len(followed.held() - set(followed.on_topic()))) == (0, 16 * 7)
    assert report["cost_usd"] == pytest.approx(x.world.bill.table()["usd"], abs=0.0006), (
        "to the cent"
    )


@pytest.mark.long
def test_six_days_off_are_named_in_the_dry_run_and_at_each_start_and_not_bought(
    followed: Followed,
) -> None:
    x = followed.x
    with posting(x, 10):
        process = followed.start()
        wait_until(lambda: len(followed.acked()) > 20, 60, "posts come")
    wait_until(lambda: not followed.held() - followed.acked(), 30, "all of them")
    first = followed.stop(process)
    assert first["cost_usd"] == pytest.approx(x.world.bill.table()["usd"], abs=0.0006), (
        "to the cent"
    )
    for _ in range(6):
        x.world.ahead_s += DAY_S
        x.world.invent(50, ago_s=DAY_S / 2)
    x.world.ahead_s += 60
    off = {post["data"]["id"] for post in x.world.posts[-300:]}
    spool = ("--spool", str(followed.folder / "spool"))
    out, _ = produce(
        followed.services, *followed.source(), "--topic", followed.topic, *spool, "--dry-run"
    )
    gap = json.loads(out)["gap"]
    assert (gap["is_fetched"], gap["usd"]) == (False, pytest.approx(gap["posts"] * 0.005))
    assert gap["posts"] == 300

    for told in ((), ("--fill-gaps", "0")):
        counted = len(followed.named())
        process = followed.start(*told)
        wait_until(
            lambda before=counted: len(followed.named()) > before, KNOWN_S, "the gap is named"
        )
        report = followed.stop(process)
        assert report["backfilled"] == 0
        assert not off & set(followed.on_topic())
        x.world.ahead_s += 1_000
    assert followed.named() == [300, 0], "what was named once is not named again"


@pytest.mark.long
def test_six_days_off_are_bought_when_told(followed: Followed) -> None:
    x = followed.x
    process = followed.start()
    x.world.invent(20)
    wait_until(lambda: not followed.held() - followed.acked(), 30, "posts come")
    followed.stop(process)
    for _ in range(6):
        x.world.ahead_s += DAY_S
        x.world.invent(50, ago_s=DAY_S / 2)
    x.world.ahead_s += 60
    before = x.world.bill.table()["usd"]
    process = followed.start("--fill-gaps", "7d")
    wait_until(lambda: not followed.held() - followed.acked(), KNOWN_S, "the gap is filled")
    wait_until(lambda: "is filled" in "".join(followed.said), 30, "it is said")
    report = followed.stop(process)
    assert report["cost_usd"] == pytest.approx(x.world.bill.table()["usd"] - before, abs=0.0006), (
        "to the cent"
    )
    assert report["backfilled"] >= 300


def chaos(followed: Followed, admin: KafkaAdminClient, seconds: float, seed: int) -> dict[str, Any]:
    """Producer, X and broker die in turn, at random moments and for random times; returns the
    figures."""
    dice, x, kills = random.Random(seed), followed.x, {"producer": 0, "X": 0, "broker": 0}
    process = followed.start()
    end = time.monotonic() + seconds
    with posting(x, 20):
        wait_until(followed.acked, 60, "posts come")
        while time.monotonic() < end:
            who = ("producer", "X", "broker")[sum(kills.values()) % 3]
            kills[who] += 1
            if who == "producer":
                process.kill()
                process.wait()
                process = followed.start()
            elif who == "X":
                connections = len(x.connected_at)
                x.go_away(dice.uniform(1, 25))
                wait_until(
                    lambda before=connections: len(x.connected_at) > before,
                    90,
                    "the producer is connected again",
                )
            else:
                os.kill(followed.services.pid("kafka-1"), signal.SIGKILL)
                start_again(followed.services, admin)
            moment = time.monotonic() + dice.uniform(1, 20)
            wait_until(
                lambda until=moment: time.monotonic() > until, 30, "the next moment has come"
            )
            assert process.poll() is None, followed.said
    wait_until(
        lambda: not followed.held() - followed.acked(), 2 * KNOWN_S, "everything is acknowledged"
    )
    followed.stop(process)
    on_topic = followed.on_topic()
    assert not followed.held() - set(on_topic)
    assert followed.named() == []
    return {
        "seconds": round(seconds),
        "seed": seed,
        "kills": kills,
        "posts": len(followed.held()),
        "records": len(on_topic),
    }


@pytest.mark.long
def test_producer_x_and_broker_die_in_turn_for_a_minute(
    followed: Followed, admin: KafkaAdminClient
) -> None:
    figures = chaos(followed, admin, 60, SEED)
    assert min(figures["kills"].values()) >= 1


@pytest.mark.long
def test_producer_x_and_broker_die_in_turn_for_an_hour(
    followed: Followed, admin: KafkaAdminClient
) -> None:
    figures = chaos(followed, admin, CHAOS_S, SEED)
    write_down("producer-x-chaos", figures | {"missing": 0})
