"""Ctrl-C and SIGTERM: the first one ends the reading, the second one the process."""

import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class _Stopped(BaseException):
    """Raised in the middle of a read that may last for ever; not an Exception, so that no library swallows it."""


class Interrupt:
    """`asked` is true from the first signal on. It breaks into reading only: what was read is always handed on whole."""

    def __init__(self) -> None:
        self.asked = False
        self._reading = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; call it in the main thread."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def until_asked(self, items: Iterator[T]) -> Iterator[T]:
        """The items up to their end or the first signal, whichever comes first."""
        try:
            while True:
                self._reading = True  # before looking at `asked`: a signal in between would be forgotten
                if self.asked:
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
