"""The direct job: the driver plans offset ranges, each task reads exactly its own. No receiver, no
log, no checkpoint."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consumers.driver import batches, opening, running
from kafka_dstreams import direct_frames


def main() -> None:
    job = opening.open_job("direct", __doc__)
    ssc = running.streaming_context(
        job.name, opening.batch_interval_s(job.settings), opening.spark_conf(job.settings)
    )
    frames = direct_frames(
        ssc,
        job.topics,
        job.params,
        start=job.frontiers(),
        start_epochs=job.leader_epochs(),
        stop_at=job.ends,
        skip=job.published_ranges(),
    )
    frames.foreachRDD(batches.store)
    running.run(ssc, job.failure, job.done, job.settings.stop_timeout_s)


if __name__ == "__main__":
    opening.main(main)
