"""The process that runs a source: `python -m kafka_dstreams.sources.worker`, started by
SourceReceiver.java, which sends requests to its stdin and reads answers from its stdout.

Numbers are int32, big-endian. At first come (length, bytes) twice: the driver's version of Python,
and the pickled source; the answer is 0. A request is (limit, milliseconds) and acknowledges all
answers before it; the answer is the number of frames and, unless that is 0, the number of records
and (length, frame) for each. The limit -1 ends the process; the answer is 0. Instead of any answer
there may be -1 (try again) or -2 (give up) and (length, text).
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO, Iterator

from pyspark import cloudpickle

from kafka_dstreams.frames import pack
from kafka_dstreams.sources import GiveUp, Message, Source, version

STOP = -1
TRY_AGAIN, GIVE_UP = -1, -2
FRAME_BYTES = 384 * 1024  # as Frames.java
LONGEST_TEXT = 20_000
# what no message can be the reason of, so that trying again is of no use
PERMANENT = (GiveUp, ImportError, NameError, SyntaxError)


class Session:
    """One source and the two pipes to its receiver."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self.requests, self.answers = requests, answers
        self.name, self.headers, self.offset = "", False, 0

    def run(self) -> None:
        """Serve requests until the receiver says stop, or is gone."""
        try:
            source = self.opened()
            self.say(0)
            polled = False
            while True:
                limit = self.number()
                if polled:
                    source.ack()
                if limit == STOP:
                    source.close()
                    self.say(0)
                    return
                messages = source.poll(limit, self.number() / 1000)
                polled = bool(messages)
                frames = list(self.frames(messages))
                self.say(len(frames), *([len(messages)] if frames else []), *frames)
        except EOFError:
            return
        except BaseException as error:
            kind = GIVE_UP if isinstance(error, PERMANENT) else TRY_AGAIN
            text = str(error) if isinstance(error, GiveUp) else traceback.format_exc()
            self.say(kind, text[-LONGEST_TEXT:].encode())

    def opened(self) -> Source:
        """The source that the receiver sends, opened."""
        drivers, pickled = self.sized(), self.sized()
        if drivers != version():
            raise GiveUp(
                f"the driver has Python {drivers.decode()} and the executor "
                f"{version().decode()} ({sys.executable}): "
                "set PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON to the same version"
            )
        try:
            self.name, source, self.headers = cloudpickle.loads(pickled)
        except Exception:
            text = traceback.format_exc()
            raise GiveUp(f"the executor cannot unpickle the source\n{text}") from None
        source.open()
        return source  # type: ignore[no-any-return]

    def frames(self, messages: list[Message]) -> Iterator[bytes]:
        """The messages in frames of about the same length, with the next offsets. Raises GiveUp for
        what is not a Message."""
        if not messages:
            return
        try:
            values, keys, times, headers = zip(*messages)
            size = sum(map(len, filter(None, values)))
            now = int(time.time() * 1000)
            stamps = [now if stamp is None else stamp for stamp in times]
            step = max(1, len(messages) * FRAME_BYTES // (size + FRAME_BYTES))
            for i in range(0, len(messages), step):
                j = min(i + step, len(messages))
                offsets = range(self.offset + i, self.offset + j)
                own = headers[i:j] if self.headers else None
                yield pack(self.name, offsets, stamps[i:j], keys[i:j], values[i:j], own)
        except (TypeError, ValueError, AttributeError, struct.error) as error:
            raise GiveUp(
                "poll should return a list of Message with bytes as value and key, a whole number "
                f"as timestamp, (text, bytes) as headers: {error}"
            ) from None
        self.offset += len(messages)

    def sized(self) -> bytes:
        """As many as the number before them says. Raises EOFError."""
        return self.exactly(self.number())

    def number(self) -> int:
        """The next number. Raises EOFError."""
        return int(struct.unpack(">i", self.exactly(4))[0])

    def exactly(self, length: int) -> bytes:
        found = self.requests.read(length)
        if len(found) < length:
            raise EOFError
        return found

    def say(self, *parts: int | bytes) -> None:
        """Numbers as they are, bytes behind their length."""
        for part in parts:
            number = part if isinstance(part, int) else len(part)
            self.answers.write(struct.pack(">i", number))
            if not isinstance(part, int):
                self.answers.write(part)
        self.answers.flush()


def end_with(requests: int) -> None:
    """Ends this process when the receiver's side of the pipe is closed, whatever the source does
    then."""
    gone = select.poll()
    gone.register(requests, 0)
    gone.poll()
    os._exit(1)


def main() -> None:
    """Take the pipes out of the source's reach, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which ends us in order
    requests, answers = os.dup(0), os.dup(1)  # neighbours: the next two free numbers
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what is printed goes to the log
    # a child that outlives us must not look like us
    os.register_at_fork(after_in_child=lambda: os.closerange(requests, answers + 1))
    threading.Thread(target=end_with, args=(requests,), daemon=True).start()
    session: Any = Session(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
    session.run()


if __name__ == "__main__":
    main()
