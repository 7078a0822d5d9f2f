"""Ctrl-C and SIGTERM: the first one ends reading, the second one ends the process. The sender can
end reading too."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class _Stopped(BaseException):
    """Raised in the middle of a read that may last for ever; not an Exception, so that no library
    swallows it."""


class Interrupt:
    """`asked` is true from the first signal on, `in_vain` once another thread has ended reading.

    Both interrupt reading only: a record that was read is always handed on.
    """

    def __init__(self) -> None:
        self.asked = self.in_vain = False
        self._reading = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; call it in the main thread."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGUSR1, self._on_end)

    def end(self) -> None:
        """End the reading, from any thread."""
        self.in_vain = True
        if signal.getsignal(signal.SIGUSR1) == self._on_end:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def until_asked(self, items: Iterator[T]) -> Iterator[T]:
        """The items up to their end, the first signal or `end`, whichever comes first."""
        try:
            while True:
                self._reading = True  # set before looking: a signal in between would be lost
                if self.asked or self.in_vain:
                    return
                try:
                    item = next(items)
                except StopIteration:
                    return
                self._reading = False
                yield item
        except _Stopped:
            return
        finally:
            self._reading = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h")  # the live line hides the cursor
            os._exit(130)
        self.asked = True
        if self._reading:
            raise _Stopped

    def _on_end(self, _number: int, _frame: FrameType | None) -> None:
        if self._reading:
            raise _Stopped
