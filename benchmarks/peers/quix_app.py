"""Quix Streams: apply, and a batching sink that writes at each checkpoint."""

from typing import Any

from quixstreams import Application, message_context
from quixstreams.sinks import BatchingSink, SinkBatch

from benchmarks.peers import shared


class ToHdfs(BatchingSink):
    def __init__(self, output: str, index: int) -> None:
        super().__init__()
        self._files = shared.Files(output, index)

    def write(self, batch: SinkBatch) -> None:
        self._files.add([item.value for item in batch])
        self._files.flush()


def main() -> None:
    job = shared.arguments()
    score = shared.scorer(job.scorer)
    app = Application(
        job.bootstrap,
        consumer_group=job.output.rpartition("/")[2],
        auto_offset_reset="earliest",
        commit_interval=shared.LONGEST_S,
        commit_every=shared.ROWS_A_FILE,
        state_dir="build/bench/quix",  # its own is "state", where it was started
        loglevel="WARNING",
    )

    def row(value: bytes, _key: Any, timestamp: int, _headers: Any) -> bytes:
        at = message_context()
        return shared.lines([((at.topic, at.partition, at.offset, timestamp), value)], score)[0]

    tweets = app.topic(job.topic, value_deserializer="bytes", key_deserializer="bytes")
    app.dataframe(tweets).apply(row, metadata=True).sink(ToHdfs(job.output, job.index))
    app.run()


if __name__ == "__main__":
    main()
