"""Bytewax: its Kafka source, batches through a map, a sink of our own. Run by `python -m
bytewax.run`, see contenders.py."""

import os
from collections.abc import Sequence

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from benchmarks.peers import shared


class Part(StatelessSinkPartition[bytes]):
    def __init__(self, output: str, index: int) -> None:
        self._files = shared.Files(output, index)

    def write_batch(self, items: Sequence[bytes]) -> None:
        self._files.add(items)

    def close(self) -> None:
        self._files.flush()


class ToHdfs(DynamicSink[bytes]):
    def __init__(self, output: str) -> None:
        self._output = output

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> Part:
        return Part(self._output, worker_index)


def flow(bootstrap: str, topic: str, output: str, scorer: str) -> Dataflow:
    """From the topic's records to lines on HDFS; ends where the topic ends."""
    score = shared.scorer(scorer)

    def rows(batch: Sequence[KafkaSourceMessage[bytes, bytes]]) -> list[bytes]:
        return shared.lines(
            [((m.topic, m.partition, m.offset, m.timestamp[1]), m.value) for m in batch], score
        )

    made = Dataflow("tweets")
    records = op.input(
        "tweets", made, KafkaSource([bootstrap], [topic], tail=False, batch_size=1000)
    )
    op.output("hdfs", op.flat_map_batch("rows", records, rows), ToHdfs(output))
    return made


def main() -> Dataflow:
    return flow(
        *(os.environ[f"BENCH_{name}"] for name in ("BOOTSTRAP", "TOPIC", "OUTPUT", "SCORER"))
    )
