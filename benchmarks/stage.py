"""Where the contenders meet: the services, the topics with invented tweets, and one run of one
contender at a time."""

import getpass
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from urllib.parse import urlsplit

from confluent_kafka.admin import AdminClient, NewTopic
from hdfs import InsecureClient

from benchmarks import rows
from benchmarks.contenders import Contender, Place
from benchmarks.measure import Run, Watch
from config import settings
from config.shared import WEBHDFS_PORT
from config.venv import ROOT
from producer.sources.sample import sample

CORES = 2
START_TWEETS = 1000  # of the runs that measure the start


@dataclass
class Topic:
    """A number of tweets, and the digest that their rows should have (none: only their number is
    compared)."""

    name: str
    tweets: int
    expected: rows.Digest | None = field(default=None)


class Stage:
    """Services that run, and all else on two cores."""

    def __init__(self, jars: str, packages: str) -> None:
        job = settings.load("direct", [], "")
        self.bootstrap, self.hdfs = job.bootstrap, "/".join(job.output.split("/")[:3])
        self._spark = jars, packages
        webhdfs = (
            os.environ.get("TWEETS_WEBHDFS")
            or f"http://{urlsplit(job.output).hostname}:{WEBHDFS_PORT}"
        )
        self._files = InsecureClient(webhdfs, user=getpass.getuser())
        self._base, self._numbers = f"bench-{int(time.time())}", count()
        self._topics: list[str] = []
        self._environ = {**os.environ, "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}
        self.value_bytes = 0  # a tweet's mean
        subprocess.run([ROOT / "scripts" / "services", "start"], check=True, stdout=sys.stderr)
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap})
        # children inherit it; the services have the rest
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])

    def topic(self, tweets: int, partitions: int, padding: int = 0) -> Topic:
        """A new topic with the first `tweets` invented tweets, each with `padding` more
        bytes."""
        made = Topic(f"{self._base}-{next(self._numbers)}", tweets)
        self._admin.create_topics([NewTopic(made.name, partitions, 1)])[made.name].result()
        self._topics.append(made.name)
        publish = [
            sys.executable,
            "-m",
            "producer",
            "--source",
            "replay",
            "--file",
            "-",
            "--bootstrap",
            self.bootstrap,
        ]
        command = [*publish, "--topic", made.name, "--report", os.devnull]
        size = 0
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as producer:
            assert producer.stdin
            for value in islice(values(padding), tweets):
                producer.stdin.write(value + b"\n")
                size += len(value)
        if producer.returncode:
            raise RuntimeError(
                f"the producer ended with {producer.returncode}: {' '.join(command)}"
            )
        self.value_bytes = self.value_bytes or round(size / tweets)
        return made

    def run(self, contender: Contender, topic: Topic, more: tuple[str, ...] = ()) -> Run:
        """One turn, from its start to the comparison of its rows; `more` are flags for a command of
        its own."""
        folder = f"/bench/{topic.name}-{next(self._numbers)}"
        place = Place(self.bootstrap, topic.name, self.hdfs + folder, *self._spark)
        commands, environ = contender.start(place, contender.scorer)
        limit_s = 300 + topic.tweets / 1000
        run = Watch(
            [[*line, *more] for line in commands], topic.tweets, {**self._environ, **environ}, ROOT
        ).finish(limit_s)
        if topic.expected and not run.failure:
            found = rows.digest(rows.written(self._files, folder))
            run.failure = found.difference(topic.expected, contender.scorer != "none")
        if run.failure:
            log = ROOT / "build" / "bench" / f"{folder.rpartition('/')[2]}.log"
            log.write_text("\n".join([contender.key, *run.said]))
            print(
                f"{contender.key}: {run.failure}; what it said is in {log.relative_to(ROOT)}",
                file=sys.stderr,
            )
        for left in (folder, f"{folder}-checkpoint"):
            self._files.delete(left, recursive=True)
        return run

    def clear(self) -> None:
        """Delete the topics: they take as much disk as the tweets in them."""
        if self._topics:
            for future in self._admin.delete_topics(self._topics).values():
                future.result()


def values(padding: int) -> Iterator[bytes]:
    """Invented tweets of at most 280 characters: on longer ones vaderSentiment's time is quadratic,
    which would flatter us."""
    noise = random.Random(1)
    for record in sample(1):
        value = record.value or b""
        if b'"note_tweet"' not in value:
            extra = (
                b',"padding":"%s"' % noise.randbytes(padding // 2).hex().encode()
                if padding
                else b""
            )
            yield value[:-1] + extra + b"}"
