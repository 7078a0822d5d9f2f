"""The receiver-based job: receivers log what they read, then acknowledge it to Kafka; batches take
it from the log."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyspark.streaming import StreamingContext

from consumers.driver import batches, checkpoints, opening, running
from kafka_dstreams import commit, receive_in, receiver_frames


def main() -> None:
    job = opening.open_job("receiver_based", __doc__)
    checkpoint = (
        job.settings.checkpoint or f"{job.settings.output}/_checkpoint/{job.output.own.identity}"
    )

    def create() -> StreamingContext:
        conf = {
            "spark.streaming.receiver.writeAheadLog.enable": "true",
            **opening.spark_conf(job.settings),
        }
        ssc = running.streaming_context(job.name, job.settings.batch_interval_s, conf)
        ssc.checkpoint(checkpoint)
        consumers = dict.fromkeys(job.topics, 1)
        frames = ssc.union(
            *[receiver_frames(ssc, consumers, job.params) for _ in range(job.settings.receivers)]
        )
        frames.foreachRDD(batches.store)
        return ssc

    checkpoints.open_checkpoint(job.settings, checkpoint, job.output.own.identity)
    ssc = running.recover(checkpoint, create, job.settings.receivers)
    # Each driver's receivers have a group of their own and begin at what is published: no other
    # driver, of this output or of a copy, takes anything away from them. What comes again, from the
    # log and from Kafka, `batches.store` publishes once.
    group = f"{job.group}-{job.output.own.epoch}-{job.output.own.nonce}"
    commit(job.params, group, job.frontiers(), job.leader_epochs())
    receive_in(ssc, group)
    running.run(ssc, job.failure, job.done, job.settings.stop_timeout_s)


if __name__ == "__main__":
    opening.main(main)
