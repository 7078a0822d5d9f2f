"""The sending thread and the tally: pauses, a thread that ends, a ledger without room, what was
refused."""

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.errors import PipelineError, ServiceUnreachable
from producer.publishing import sending
from producer.publishing.ledger import Ledger
from producer.publishing.publisher import Publisher
from producer.publishing.refused import Refused, Sent
from producer.publishing.sending import Sender
from producer.publishing.tally import Tally
from producer.spool.backlog import Backlog
from producer.spool.spool import Spool
from producer.stopping import Interrupt
from tests.conftest import wait_until
from tests.unit.producer.test_spool import opened, put


def unreachable() -> Publisher:
    raise ServiceUnreachable("no Kafka broker answers")


class Connection:
    """Settles `good` records and then has failed. It stands in for a connection, not for Kafka: who
    calls it is tested here."""

    def __init__(self, good: int) -> None:
        self.good, self.in_flight, self.failure, self.trouble = good, 0, "", ""
        self._settled: list[int] = []

    def publish(self, number: int, *_: object) -> bool:
        if not self.good:
            self.failure = "broken"
            return False
        self.good -= 1
        self._settled.append(number)
        return True

    def settled(self, _seconds: float) -> list[int]:
        settled, self._settled = self._settled, []
        return settled

    def ended(self) -> ServiceUnreachable:
        return ServiceUnreachable(self.failure)

    def close(self) -> list[int]:
        return self.settled(0)


def paused(
    own: Spool, connect: Callable[[], Any], times: int, monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """The pauses that the sender makes, in seconds; none of them is waited for."""
    pauses: list[float] = []

    class Hasty(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return super().wait(0.001)

    with monkeypatch.context() as patch:
        patch.setattr(sending.threading, "Event", Hasty)
        patch.setattr(sending.threading.Thread, "start", lambda _thread: None)
        sender = Sender(own, connect, lambda: None)
    thread = threading.Thread(target=sender._run)
    thread.start()
    wait_until(lambda: len(pauses) > times, 10, f"{times} pauses")
    sender._stopping.set()
    thread.join()
    return pauses[:times]


def test_the_pause_grows_while_nothing_gets_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as own:
        assert paused(own, unreachable, 7, monkeypatch) == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_pause_is_short_again_after_a_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = iter([0, 0, 0, 5, 0])

    with opened(tmp_path) as own:
        put(own, [(b"%d" % n, b"", "") for n in range(20)])
        assert paused(own, lambda: Connection(next(goods, 0)), 5, monkeypatch) == [
            0.5,
            1.0,
            2.0,
            0.5,
            1.0,
        ]


def test_what_was_acknowledged_while_the_connection_is_closed_is_crossed_off(
    tmp_path: Path,
) -> None:
    class Late(Connection):
        def settled(self, _seconds: float) -> list[int]:
            return []

        def close(self) -> list[int]:
            return self._settled

    with opened(tmp_path) as own:
        put(own, [(b"1", b"", ""), (b"2", b"", "")])
        late = Late(2)
        sender = Sender(own, lambda: late, lambda: None)  # type: ignore[arg-type, return-value]
        wait_until(lambda: late.good == 0, 10, "both are sent")
        sender.stop()
        assert own.waiting == 0


def test_a_sender_that_ends_breaks_into_a_read_that_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it is heard when the next post comes: with a rare rule tomorrow."""
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    }
    interrupt, (reader, writer) = Interrupt(), os.pipe()
    interrupt.install()
    try:
        with opened(tmp_path) as own:

            def reading() -> Iterator[bytes]:
                monkeypatch.setattr(os, "pwrite", no_room(errno.EIO))
                own.append(b"1", b"one")
                yield os.read(reader, 1)  # nothing ever comes

            sender = Sender(own, unreachable, interrupt.end)
            begun = time.monotonic()
            assert list(interrupt.until_asked(reading())) == []
            assert time.monotonic() - begun < 60
            assert "the spool cannot be written" in str(sender.error)
            assert not interrupt.asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def no_room(number: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_stop_does_not_wait_for_a_connection_that_hangs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sending, "STOP_S", 0.2)
    held, connecting = threading.Event(), threading.Event()

    def hanging() -> Publisher:
        connecting.set()
        held.wait(60)
        return Connection(1)  # type: ignore[return-value]

    with opened(tmp_path) as own:
        put(own, [(b"1", b"", "")])
        sender = Sender(own, hanging, lambda: None)
        connecting.wait(10)
        begun = time.monotonic()
        sender.stop()
        assert time.monotonic() - begun < 10
        held.set()
        sender.wait(10)
        assert own.waiting == 1, "whoever was left behind touches nothing"


@pytest.mark.parametrize("patient", [True, False])
def test_a_full_disk_under_the_ledger(tmp_path: Path, patient: bool) -> None:
    """With a spool it is waited for; without one the source can be read again. No line is lost,
    doubled or torn."""
    ledger = Ledger(str(tmp_path / "ledger"))
    tally, real, full = Tally("tweets", ledger, patient=patient), ledger._file, [True]

    class Disk:
        def write(self, data: bytearray) -> int:
            if full[0] and len(data) <= 40:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real.write(data[:30]) or 0

    ledger._file = Disk()  # type: ignore[assignment]
    for number in range(3):
        ledger.write("tweets", 0, number, b"key", None)
        tally.delivered(number, 10)
    if not patient:
        with pytest.raises(PipelineError, match="cannot write the ledger: No space left"):
            tally.settled()
        return
    assert (tally.settled(), tally.settled(), tally.acked) == ([], [], 0)
    assert tally.blocked and "ledger's disk is full" in tally.trouble
    full[0] = False
    assert (tally.settled(), tally.acked, tally.value_bytes, tally.blocked) == (
        [0, 1, 2],
        3,
        30,
        False,
    )
    assert [
        json.loads(line)["offset"] for line in (tmp_path / "ledger").read_text().splitlines()
    ] == [0, 1, 2]


def test_a_failing_disk_under_the_ledger_ends_the_run(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger"))
    ledger._file = SimpleNamespace(write=no_room(errno.EIO))  # type: ignore[assignment]
    tally = Tally("tweets", ledger, patient=True)
    ledger.write("tweets", 0, 0, b"key", None)
    tally.delivered(0, 1)
    with pytest.raises(PipelineError, match="cannot write the ledger: Input/output error"):
        tally.settled()


def test_a_rejected_record_that_cannot_be_set_aside_is_not_crossed_off(tmp_path: Path) -> None:
    tally = Tally("tweets", aside=tmp_path / "nowhere" / "rejected.jsonl")
    with pytest.raises(PipelineError, match="cannot be set aside"):
        tally.reject(1, None, b"value", "no key")
    assert (tally.settled(), tally.rejected) == ([], 0)


def test_those_that_came_with_a_refused_record_go_together_and_it_goes_alone() -> None:
    sent, refused = [Sent(n, None, b"%d" % n) for n in range(6)], Refused()
    for record in reversed(sent):
        refused.add(record, may_be_the_cause=record.number in (2, 3))
    takes = []
    while refused.pending:
        taken = refused.take()
        takes.append(([record.number for record in taken], refused.alone))
        for record in taken:
            assert refused.back(record.number) == (record.number in (2, 3))
    assert takes == [([0, 1], False), ([2], True), ([3], True), ([4, 5], False)]


def test_a_broker_that_names_no_cause_is_not_asked_for_ever() -> None:
    sent, refused, tries = [Sent(n, None, b"") for n in range(4)], Refused(), 0
    for record in sent:
        refused.add(record, may_be_the_cause=False)
    while refused.pending:
        for record in refused.take():
            tries += 1
            if not refused.back(record.number):
                refused.add(record, may_be_the_cause=False)
    assert tries == 8


def test_the_backlog_has_no_disk_that_could_fail() -> None:
    assert Backlog().error is None
