"""Signals: the first breaks into reading only, and what was read is handed on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from producer.stopping import Interrupt
from tests.conftest import ROOT


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    own = Interrupt()
    own.install()
    yield own
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


def test_without_a_signal_everything_comes(interrupt: Interrupt) -> None:
    assert list(interrupt.until_asked(iter(range(3)))) == [0, 1, 2]
    assert not interrupt.asked


def test_signal_while_an_item_is_handled_lets_it_be_finished(interrupt: Interrupt) -> None:
    handled = []
    for item in interrupt.until_asked(iter(range(10))):
        if item == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        handled.append(item)
    assert handled == [0, 1, 2]
    assert interrupt.asked


def test_signal_breaks_into_a_read_that_never_ends(interrupt: Interrupt) -> None:
    reader, writer = os.pipe()

    def reading() -> Iterator[bytes]:
        yield b"first"
        os.kill(os.getpid(), signal.SIGINT)
        yield os.read(reader, 1)  # nothing ever comes

    assert list(interrupt.until_asked(reading())) == [b"first"]
    os.close(reader)
    os.close(writer)


def test_second_signal_ends_the_process() -> None:
    program = (
        "import os, signal; from producer.stopping import Interrupt; Interrupt().install();"
        "os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT); print('still "
        "here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (130, b"")
