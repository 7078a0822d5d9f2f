"""Faust-streaming: an agent that takes events in batches."""

import asyncio
import tempfile

import faust
from confluent_kafka.admin import AdminClient

from benchmarks.peers import shared


def main() -> None:
    job = shared.arguments()
    score, files = shared.scorer(job.scorer), shared.Files(job.output, job.index)
    partitions = len(
        AdminClient({"bootstrap.servers": job.bootstrap})
        .list_topics(job.topic)
        .topics[job.topic]
        .partitions
    )
    both = asyncio.Event()  # a worker that begins alone writes rows again when the other joins
    app = faust.App(
        job.output.rpartition("/")[2],
        broker=f"kafka://{job.bootstrap}",
        datadir=tempfile.mkdtemp(),
        value_serializer="raw",
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
    )

    @app.agent(app.topic(job.topic, value_type=bytes, key_type=bytes))
    async def rows(stream: faust.Stream[bytes]) -> None:
        await both.wait()
        async for events in stream.take_events(1000, within=shared.LONGEST_S):
            found = [(event.message, event.value) for event in events]
            batch = [
                ((m.topic, m.partition, m.offset, int(m.timestamp * 1000)), value)
                for m, value in found
            ]
            files.add(shared.lines(batch, score))
            files.flush()

    @app.on_partitions_assigned.connect  # type: ignore[misc]
    async def joined(_app: faust.App, assigned: set[object], **_: object) -> None:
        if len(assigned) < partitions and not both.is_set():
            both.set()

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()
