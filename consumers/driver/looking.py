"""Asks Kafka and Spark what only they know, for the job's metrics."""

from typing import Any

from py4j.protocol import Py4JError
from pyspark.streaming import StreamingContext

import kafka_dstreams
from config.errors import PipelineError
from consumers.driver.driver import Driver


class Look:
    """What one look asks; called from a thread of its own while the batches run."""

    def __init__(self, ssc: StreamingContext, driver: Driver, is_local: bool) -> None:
        self._driver, self._is_local = driver, is_local
        self._sc: Any = ssc.sparkContext
        # Spark keeps it for its own page, and with spark.ui.enabled=false too
        self._progress: Any = ssc._jssc.ssc().progressListener()

    def __call__(self) -> None:
        """Set the gauges. What does not answer leaves them as they are."""
        figures = self._driver.figures
        try:
            topics = kafka_dstreams.topics(self._driver.params, self._driver.topics)
        except (kafka_dstreams.KafkaError, Py4JError):
            figures.kafka_up.set(0)
        else:
            figures.kafka_up.set(1)
            spans = {
                (topic, number): span
                for topic, state in topics.items()
                for number, span in state.partitions.items()
            }
            figures.offsets(self._driver.output.covered, spans)
        try:
            self._spark()
            shards = self._driver.storage.list("batches").values()
            figures.raw.set(sum(shard.entries for shard in shards))
        except (Py4JError, PipelineError):  # the context is being stopped, or batches will say it
            return

    def _spark(self) -> None:
        figures = self._driver.figures
        figures.waiting.set(self._progress.waitingBatches().size())
        figures.receivers.set(self._progress.numActiveReceivers())
        cluster = self._sc._jvm.kafkadstreams.Cluster
        figures.executors.set(1 if self._is_local else cluster.executors(self._sc._jsc.sc()))
        last = self._progress.lastCompletedBatch()
        if last.isDefined() and last.get().schedulingDelay().isDefined():
            figures.delay_s.set(last.get().schedulingDelay().get() / 1000)
