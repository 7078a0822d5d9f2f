"""A real Flume agent: numbered events, a channel in memory, and the Avro sink that pushes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local import jars, jdk
from tests.conftest import HOST

AGENT = """
a.sources = s
a.channels = c
a.sinks = k
a.sources.s.type = seq
a.sources.s.totalEvents = {events}
a.sources.s.batchSize = 100
a.sources.s.channels = c
a.channels.c.type = memory
a.channels.c.capacity = 100000
a.channels.c.transactionCapacity = 1000
a.sinks.k.type = avro
a.sinks.k.hostname = {host}
a.sinks.k.port = {port}
a.sinks.k.batch-size = 100
a.sinks.k.request-timeout = 5000
a.sinks.k.channel = c
"""


@contextmanager
def agent(folder: Path, port: int, events: int, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """An agent that sends the numbers from 0 on, as text, to HOST:port; `more` are properties of
    its sink. It keeps them in memory. Gone at the end."""
    if not jars.installed("flume"):
        jars.install("flume")
    text = AGENT.format(events=events, host=HOST, port=port)
    (folder / "flume.properties").write_text(text + "".join(f"a.sinks.k.{x}\n" for x in more))
    path = ":".join(str(jar) for jar in jars.files("flume"))
    command = [
        str(jdk.home() / "bin" / "java"),
        "-Xmx256m",
        "-cp",
        path,
        "org.apache.flume.node.Application",
    ]
    command += ["-n", "a", "-f", str(folder / "flume.properties"), "--no-reload-conf"]
    with (folder / "flume.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
