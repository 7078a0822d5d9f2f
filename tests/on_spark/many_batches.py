"""Publishes batches through the commit protocol on a real HDFS, without Kafka: OUTPUT BATCHES EACH
[SHARD].

A new driver starts after each EACH batches, and when all are published. Prints {"starts":
[[batches, calls, seconds], …]}: `calls` are the verbs that a start asked of HDFS. Every batch holds
one record, in one file.
"""

import json
import sys
import time
from typing import Any

from consumers.output import chain
from consumers.output.commits import Batch, Output
from consumers.output.ownership import Ownership
from consumers.output.storage import Storage

TOPICS, PARTITION = {"tweets": "id"}, ("tweets", 0)


class Counted(Storage):
    """Counts the verbs that are asked for."""

    calls = 0

    def _ask(self, *arguments: Any) -> Any:
        self.calls += 1
        return super()._ask(*arguments)


def publish(output: Output, files: Storage) -> None:
    """One batch of one record."""
    stage, start = output.stage(), output.seq
    files.create(f"{stage.parts}/tweets-00000-0.json.gz", b"")
    file = {"kind": "tweets", "name": "tweets-00000-0.json.gz", "bytes": 0, "records": 1}
    output.publish(stage, Batch([(*PARTITION, start, start + 1)], {"tweets": 1}, [file]))


def main() -> None:
    address, batches, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chain.SHARD = int(sys.argv[4]) if len(sys.argv) > 4 else chain.SHARD
    starts, files = [], Counted(address)
    while True:
        files.calls, began = 0, time.monotonic()
        own = Ownership.claim(files, "direct")
        output = Output.take_over(own, "no scorer", TOPICS, {PARTITION: (0, batches)})
        starts.append((output.seq, files.calls, round(time.monotonic() - began, 3)))
        if output.seq == batches:
            break
        for _ in range(min(each, batches - output.seq)):
            publish(output, files)
    print(json.dumps({"starts": starts}))


if __name__ == "__main__":
    main()
