"""A real Flume agent: numbered events, a channel, and the sink that pushes (Flume's own, by Avro)
or the one that is pulled from (Spark's, in the Flume that it runs in)."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local import jars, jdk
from tests.conftest import HOST

COMMON = """
a.sources = s
a.channels = c
a.sinks = k
a.sources.s.batchSize = 100
a.sources.s.channels = c
a.channels.c.capacity = 100000
a.channels.c.transactionCapacity = 1000
a.sinks.k.hostname = {host}
a.sinks.k.port = {port}
a.sinks.k.channel = c
"""
# the numbers from 0 on, kept in memory
NUMBERS = """
a.sources.s.type = seq
a.sources.s.totalEvents = {events}
a.channels.c.type = memory
"""
# the lines of each file in `spool`, kept on the disk: what the agent has taken outlives it
FILES = """
a.sources.s.type = spooldir
a.sources.s.spoolDir = {folder}/spool
a.channels.c.type = file
a.channels.c.checkpointDir = {folder}/checkpoint
a.channels.c.dataDirs = {folder}/data
"""
PUSH = """
a.sinks.k.type = avro
a.sinks.k.batch-size = 100
a.sinks.k.request-timeout = 5000
"""
PULL = """
a.sinks.k.type = org.apache.spark.streaming.flume.sink.SparkSink
a.sinks.k.transactionTimeout = 5
"""


@dataclass(frozen=True)
class Agent:
    """What `start` runs, with its configuration and data in `folder`."""

    folder: Path
    jar_set: str

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it."""
        command = [str(jdk.home() / "bin" / "java"), "-Xmx256m"]
        command += ["-cp", ":".join(str(jar) for jar in jars.files(self.jar_set))]
        command += ["org.apache.flume.node.Application", "-n", "a", "--no-reload-conf"]
        command += ["-f", str(self.folder / "flume.properties")]
        with (self.folder / "flume.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)


def configured(
    folder: Path, port: int, source: str, sink: str, *more: str, events: int = 0
) -> Agent:
    """An agent from `source` (NUMBERS or FILES) to `sink` (PUSH to HOST:port, or PULL from there);
    `more` are properties of its sink."""
    jar_set = "flume-pull" if sink is PULL else "flume"
    if not jars.installed(jar_set):
        jars.install(jar_set)
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    lines = [COMMON, source, sink, *(f"a.sinks.k.{line}" for line in more)]
    text = "\n".join(lines).format(host=HOST, port=port, events=events, folder=folder)
    (folder / "flume.properties").write_text(text)
    return Agent(folder, jar_set)


def ended(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL, and gone."""
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


@contextmanager
def agent(
    folder: Path, port: int, events: int, *more: str, sink: str = PUSH
) -> Iterator["subprocess.Popen[bytes]"]:
    """An agent with this number of events in its memory; `more` are properties of its sink. Gone at
    the end."""
    process = configured(folder, port, NUMBERS, sink, *more, events=events).start()
    try:
        yield process
    finally:
        ended(process)
