"""What an open job is, and what it does with each batch: parse, score, stage, publish."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark import RDD

import kafka_dstreams
from config.settings import Settings
from consumers.driver import batches
from consumers.driver.figures import Figures
from consumers.output import fail_points, manifests
from consumers.output.commits import Batch, Output
from consumers.output.holes import Holes
from consumers.output.manifests import Manifest, Partition, Range
from consumers.output.storage import Storage

LOG = logging.getLogger(__name__)
SHOWN = 4  # ranges in the line about a batch


@dataclass
class Driver:
    """An open job: older drivers are shut out of its output, and the output was compared with
    Kafka. `opening.open_driver` makes one."""

    settings: Settings
    topics: list[str]
    params: dict[str, str]  # Kafka's; the group is this output's
    storage: Storage
    output: Output
    ends: dict[Partition, int] | None  # where --available-now stops
    figures: Figures = field(default_factory=lambda: Figures(math.inf))
    holes: Holes = field(default_factory=Holes)
    on_idle_batch: Callable[[], None] = lambda: None  # called by each batch without new records
    failure: BaseException | None = None  # what made a batch fail, or would make all later ones

    def done(self) -> bool:
        """Whether --available-now has reached the ends that the topics had at the start."""
        return self.ends is not None and manifests.reached(self.output.covered, self.ends)

    def frontiers(self) -> dict[Partition, int]:
        """The first offset of each partition that is not published."""
        return manifests.frontiers(self.output.covered)

    def leader_epochs(self) -> dict[Partition, int]:
        """Kafka's leader epoch of the last record published of each partition, where it is
        known."""
        return dict(self.output.leader_epochs)

    def published_ranges(self) -> list[Range]:
        """Everything that is published."""
        return [
            (*partition, start, end)
            for partition, intervals in self.output.covered.items()
            for start, end in intervals
            if start < end
        ]

    def store(self, rdd: RDD[bytes]) -> None:
        """Publish the frames of one batch.

        After a failure no later batch runs: it would publish records behind a gap.
        """
        if self.failure is not None:
            raise RuntimeError("this batch waits for the next start: an earlier one failed")
        try:
            self._store(rdd)
            self.figures.batch_ended()
        except BaseException as error:
            self.failure = error
            # Tasks of a driver that lost its output find their folder gone and fail in many ways.
            # The loss is the reason.
            if isinstance(error, Py4JJavaError) and not self.output.own.holds():
                self.failure = self.output.own.lost()
            raise self.failure from error

    def _store(self, rdd: RDD[bytes]) -> None:
        started = time.monotonic()
        self.holes.check(self.output.covered)
        delivered = kafka_dstreams.offset_ranges(rdd)
        wanted = batches.unpublished(delivered, self.output.covered)
        ranges = [row for part in wanted for row in part]
        again = batches.records(row for part in delivered for row in part) - batches.records(ranges)
        if again:
            LOG.info("%d records were delivered again and stay out", again)
            self.figures.again.inc(again)
        if not ranges:
            self._look_around(again)
            return
        with self.figures.step("stage"):
            stage = self.output.stage()
        task = batches.task(wanted, self.settings.max_tweet_bytes)
        with self.figures.step("tasks"):
            parts = self.storage.write_parts(rdd.mapPartitionsWithIndex(task), stage.parts)
        counts, files = batches.reported(parts)
        self.check_topics()  # after the reading and before the publishing
        epochs = kafka_dstreams.leader_epochs(rdd)
        with self.figures.step("publish"):
            manifest = self.output.publish(stage, Batch(ranges, counts, files, epochs))
        self.figures.published(manifest, batches.newest_ms(parts), batches.reasons(parts))
        fail_points.visit("published")
        self._tell_supervisor()
        self._commit_group()
        _log(manifest, time.monotonic() - started)

    def _look_around(self, again: int) -> None:
        """What a batch without new records has to ask; raises like one that publishes."""
        # offsets that look published may be those of a topic that was deleted and created again
        if again:
            self.check_topics()
        # An idle driver would otherwise never notice that it was fenced.
        if not self.output.own.holds():
            raise self.output.own.lost()
        self.on_idle_batch()

    def check_topics(self) -> None:
        """Raises DataLossRisk if a topic was deleted and created again while the job runs: what it
        has just read may be the new one's."""
        self.output.check_topics(kafka_dstreams.topic_ids(self.params, self.topics))

    def _tell_supervisor(self) -> None:
        """The time of this file says when a batch was last published (monitoring/supervisor.py)."""
        if self.settings.progress_file:
            Path(self.settings.progress_file).touch()

    def check_group(self) -> None:
        """Tell lag tools where this start begins. Raises Refused where the user may not."""
        self._commit_group((kafka_dstreams.Unreachable, Py4JJavaError))

    def _commit_group(
        self, harmless: tuple[type[Exception], ...] = (kafka_dstreams.KafkaError, Py4JJavaError)
    ) -> None:
        """Tell lag tools how far the output is. Only the manifests count, so a failure is one line
        in the log."""
        group = self.params["group.id"]
        try:
            kafka_dstreams.commit(self.params, group, self.frontiers(), self.leader_epochs())
        except harmless as error:
            LOG.warning("group %s was not updated: %s", group, str(error).splitlines()[0])


def _log(manifest: Manifest, seconds: float) -> None:
    shown = [f"{topic}[{p}] [{start}, {end})" for topic, p, start, end in manifest.ranges[:SHOWN]]
    if len(manifest.ranges) > SHOWN:
        shown.append("…")
    counts = ", ".join(f"{number} {kind}" for kind, number in manifest.counts.items())
    LOG.info("batch %d: %s, %s, %.1f s", manifest.seq, " ".join(shown), counts, seconds)
