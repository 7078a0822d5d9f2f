"""The receiver-based job: receivers log what they read, then acknowledge it to Kafka; batches take
it from the log."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyspark.streaming import StreamingContext

from consumers.driver import checkpoints, contexts, opening, running, trampoline
from consumers.driver.driver import Driver
from kafka_dstreams import commit, receive_in, receiver_frames


def run(driver: Driver) -> None:
    settings, own = driver.settings, driver.output.own
    checkpoint = checkpoints.prepare(settings, own.identity)

    def create() -> StreamingContext:
        logged = {"spark.streaming.receiver.writeAheadLog.enable": "true"}
        ssc = contexts.streaming_context(settings, logged)
        ssc.checkpoint(checkpoint)
        topics = dict.fromkeys(driver.topics, 1)
        streams = [receiver_frames(ssc, topics, driver.params) for _ in range(settings.receivers)]
        ssc.union(*streams).foreachRDD(trampoline.store)
        return ssc

    ssc = checkpoints.recover_or_create(checkpoint, create, settings.receivers)
    # Receivers begin at the first unpublished offset, in a group that only this driver uses. This
    # sets where they start; ReceiverLoop.java acknowledges.
    group = f"{driver.params['group.id']}-{own.epoch}-{own.nonce}"
    commit(driver.params, group, driver.frontiers(), driver.leader_epochs())
    receive_in(ssc, group)
    driver.on_idle_batch = checkpoints.Watch(checkpoint).check_writable
    running.run(ssc, driver)


if __name__ == "__main__":
    opening.main("receiver_based", __doc__, run)
