"""Sources of numbered messages, for tests: 0, 1, 2, …; what has been acknowledged is in a file, and
what is not comes again, as from a queue. Each has a fault of its own."""

import ctypes
import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

from kafka_dstreams.sources import GiveUp, Message, Source, secret


class Numbers(Source):
    """`rate` messages per second."""

    name = "numbers"

    def __init__(self, folder, rate="1000"):
        self.folder, self.rate = folder, int(rate)

    def open(self):
        note_process(self.folder)
        self.next = self.acknowledged = acknowledged(self.folder)

    def poll(self, limit, wait):
        time.sleep(wait)
        count = min(limit, int(self.rate * wait))
        first, self.next = self.next, self.next + count
        return [Message(b"%d" % number) for number in range(first, self.next)]

    def ack(self):
        self.acknowledged = self.next
        new = Path(self.folder, "acknowledged.new")
        new.write_text(str(self.next))
        new.rename(Path(self.folder, "acknowledged"))

    def close(self):
        Path(self.folder, "closed").write_text(str(self.next))


def note_process(folder):
    """Add this process to the file that says which have opened the source."""
    with Path(folder, "opened").open("a") as file:
        file.write(f"{os.getpid()}\n")


def acknowledged(folder):
    """How many messages have been acknowledged."""
    try:
        return int(Path(folder, "acknowledged").read_text())
    except FileNotFoundError:
        return 0


class Noisy(Numbers):
    """Prints in every way there is, reads stdin, and leaves a forked child behind."""

    def open(self):
        super().open()
        if os.fork() == 0:
            while not Path(self.folder, "stop").exists():
                time.sleep(0.1)
            os._exit(0)

    def poll(self, limit, wait):
        print("printed by Python")
        os.write(1, b"printed to descriptor 1\n")
        ctypes.CDLL(None).puts(b"printed by C")
        ctypes.CDLL(None).fflush(None)
        assert sys.stdin.read() == ""
        return super().poll(limit, wait)


class Hanging(Numbers):
    """Does not return once it has acknowledged something, in its first process."""

    def poll(self, limit, wait):
        opened = Path(self.folder, "opened").read_text().splitlines()
        if self.acknowledged > 500 and len(opened) == 1:
            threading.Event().wait()
        return super().poll(limit, wait)


class Dying(Numbers):
    """Is killed in `open`, `poll`, or in `ack`, when its messages are stored, in its first two
    processes."""

    def __init__(self, folder, moment):
        super().__init__(folder)
        self.moment = moment

    def open(self):
        super().open()
        opened = Path(self.folder, "opened").read_text().splitlines()
        self.dies = len(opened) <= 2
        self.at("open")

    def poll(self, limit, wait):
        self.at("poll")
        return super().poll(limit, wait)

    def ack(self):
        self.at("ack")
        super().ack()

    def at(self, moment):
        if self.dies and moment == self.moment:
            os.kill(os.getpid(), 9)


class Window(Numbers):
    """Returns at once when as many messages as its window are out, as MQTT's brokers do."""

    def poll(self, limit, wait):  # noqa: ARG002
        first, self.next = self.next, self.next + min(limit, self.rate)
        return [Message(b"%d" % number) for number in range(first, self.next)]


class GivingUp(Numbers):
    def poll(self, limit, wait):  # noqa: ARG002
        raise GiveUp("the queue is closed for good")


class Missing(Numbers):
    def open(self):
        import no_such_library  # noqa: F401


class Secret(Numbers):
    def open(self):
        super().open()
        assert secret("${env:NUMBERS_PASSWORD}").startswith("hush")


class NotBytes(Numbers):
    def poll(self, limit, wait):  # noqa: ARG002
        return [Message("text")]


class Unpicklable(Numbers):
    """Can be pickled, not unpickled."""

    def __reduce__(self):
        return refused, ()


def refused():
    raise ValueError("not here")


def mqtt(folder, url, client_id="receiver"):  # noqa: ARG001
    """The topic `numbers` of a broker."""
    from kafka_dstreams.sources.mqtt import MQTT

    return MQTT(url, "numbers", client_id)


def rabbit(folder, url, window="1000", bug=""):
    """The queue `numbers` of a RabbitMQ, by the example's source. A message that the broker says it
    delivers again ends with r. The bug `early` acknowledges what is on its way."""
    from rabbitmq_wordcount import Queue

    early = bug == "early"

    class Flagged(Queue):
        def open(self):
            super().open()
            take = partial(self.channel.consume, auto_ack=early)
            self.channel.consume = lambda *about, **more: map(flagged, take(*about, **more))
            note_process(folder)

        def ack(self):
            if not early:
                super().ack()

    return Flagged(url, "numbers", int(window))


def flagged(delivered):
    method, properties, body = delivered
    return method, properties, body + b"r" if method and method.redelivered else body
