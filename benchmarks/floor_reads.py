"""The job of benchmarks.floor:

    scripts/submit benchmarks/floor_reads.py BOOTSTRAP TOPIC ROUNDS HDFS

The unavoidable parts that belong to the JVM, each alone, and the direct job's way, a step longer
each time; all take turns. Prints one JSON line: seconds of CPU for the whole topic, by name.
"""

import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# spark-submit puts this folder first, where views.py would hide the room of that name
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pyspark import SparkContext  # noqa: E402
from pyspark.rdd import RDD  # noqa: E402
from pyspark.serializers import NoOpSerializer  # noqa: E402

from benchmarks.by_turns import cpu_seconds  # noqa: E402
from consumers.driver.batches import reported, task  # noqa: E402
from consumers.output.storage import Storage  # noqa: E402
from kafka_dstreams import OffsetRange, topics  # noqa: E402
from kafka_dstreams.streams import rdd_of_frames  # noqa: E402

LIMIT, COPIED = 1 << 20, 1 << 17
FETCHES = {"max.partition.fetch.bytes": 4 << 20, "receive.buffer.bytes": 1 << 20}
BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"


class Ways:
    """What is measured. Each method reads the whole topic, or writes what comes of it."""

    def __init__(self, bootstrap: str, topic: str, hdfs: str) -> None:
        self.params, self.sc = {"bootstrap.servers": bootstrap}, SparkContext(appName="floor")
        self.jvm: Any = self.sc._jvm
        found = topics(self.params, [topic])[topic].partitions
        self.ranges = [OffsetRange(topic, p, *span) for p, span in found.items()]
        self.count = sum(end - start for _, _, start, end in self.ranges)
        self.storage, self.folders = Storage(hdfs), itertools.count()
        self.local = Path(tempfile.mkdtemp()) / "lines.gz"
        self.local.write_bytes(b"".join(blob[1:] for blob in self._lines().collect()))

    def poll(self) -> None:
        """Kafka's consumer alone, with the connector's fetches and Kafka's 500 records per poll."""
        util, wait = self.jvm.java.util, self.jvm.java.time.Duration.ofSeconds(10)
        wanted = {"key.deserializer": BYTES, "value.deserializer": BYTES, **FETCHES}
        settings = util.HashMap({**self.params, **wanted})
        consumer = self.jvm.org.apache.kafka.clients.consumer.KafkaConsumer(settings)
        places = util.ArrayList()
        for topic, partition, _, _ in self.ranges:
            places.add(self.jvm.org.apache.kafka.common.TopicPartition(topic, partition))
        consumer.assign(places)
        consumer.seekToBeginning(places)
        left = self.count
        while left > 0:
            found = consumer.poll(wait)
            left -= found.count()
            self.sc._gateway.detach(found)  # type: ignore[union-attr]  # else the JVM keeps it
        consumer.close()

    def hdfs(self) -> None:
        """HDFS's client alone: the gzipped lines, from a file that the system has in memory."""
        io = self.jvm.java.io.FileInputStream(str(self.local))
        path = self.jvm.org.apache.hadoop.fs.Path(f"{self.storage.root}/alone-{next(self.folders)}")
        hadoop = self.sc._jsc.hadoopConfiguration()
        out = path.getFileSystem(hadoop).create(path)
        self.jvm.org.apache.hadoop.io.IOUtils.copyBytes(io, out, COPIED, True)

    def frames(self) -> None:
        """Kafka to frames, counted in the JVM."""
        rdd_of_frames(self.sc, self.params, self.ranges).count()

    def in_python(self) -> None:
        """The same, each frame read by a Python worker."""
        self._frames().map(len).sum()

    def lines(self) -> None:
        """The same, each frame made into gzipped lines, which the worker keeps."""
        self._lines().map(len).sum()

    def written(self) -> None:
        """The same, the lines written to HDFS as a batch's files."""
        folder = f"batch-{next(self.folders)}"
        self.storage.mkdirs(folder)
        counts, _files = reported(self.storage.write_parts(self._lines(), folder))
        assert counts["tweets"] == self.count, counts

    def _frames(self) -> "RDD[bytes]":
        return RDD(rdd_of_frames(self.sc, self.params, self.ranges), self.sc, NoOpSerializer())

    def _lines(self) -> "RDD[bytes]":
        wanted = [[(topic, p, start, end)] for topic, p, start, end in self.ranges]
        return self._frames().mapPartitionsWithIndex(task(wanted, LIMIT))


def main() -> None:
    bootstrap, topic, rounds, hdfs = sys.argv[1:]
    ways = Ways(bootstrap, topic, hdfs)
    every: list[Callable[[], None]] = [
        ways.poll,
        ways.frames,
        ways.in_python,
        ways.lines,
        ways.written,
        ways.hdfs,
    ]
    taken: dict[str, list[float]] = {one.__name__: [] for one in every}
    for number in range(int(rounds) + 1):  # the first round warms up
        for one in every:
            before = cpu_seconds(ways.sc)
            one()
            if number:
                taken[one.__name__].append(cpu_seconds(ways.sc) - before)
    ways.storage.delete("")
    medians = {name: round(statistics.median(all_), 2) for name, all_ in taken.items()}
    print(json.dumps({"cpu_s": medians, "gzipped_bytes": ways.local.stat().st_size}))


if __name__ == "__main__":
    main()
