"""What both jobs open before their first batch, and how they end. The two entries say the rest."""

import logging
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError

import kafka_dstreams
from config import errors, settings
from config.settings import Settings
from consumers import sentiment
from consumers.driver import batches, checkpoints, running
from consumers.output import commits, fail_points, manifests
from consumers.output.storage import Storage, check_address, refusal
from consumers.tweets import lines

# records a second and partition: more than one core does, so that only a batch has a bound by it
DRAIN_RATE = 200_000
# of the direct job with --available-now: nobody waits for its batches, and it waits for none
DRAIN_INTERVAL_S = 0.5


@dataclass
class Opened:
    """A job whose output is fenced off for it and checked against Kafka."""

    settings: Settings
    name: str
    topics: list[str]
    group: str
    params: dict[str, str]
    output: commits.Output
    ends: dict[manifests.Partition, int] | None  # where --available-now stops

    def failure(self) -> BaseException | None:
        """What made a batch fail."""
        return batches.current.failure if batches.current else None

    def done(self) -> bool:
        """Whether --available-now has come to the ends that the topics had at the start."""
        return self.ends is not None and manifests.reached(self.output.covered, self.ends)

    def frontiers(self) -> dict[manifests.Partition, int]:
        """The first offset of each partition that is not published."""
        return manifests.frontiers(self.output.covered)

    def leader_epochs(self) -> dict[manifests.Partition, int]:
        """Kafka's leader epoch of the last record published of each partition; those that nobody
        has told are left out."""
        return dict(self.output.leader_epochs)

    def published_ranges(self) -> list[tuple[str, int, int, int]]:
        """All that is published, as (topic, partition, from, until)."""
        covered = self.output.covered.items()
        return [
            (*partition, start, end)
            for partition, intervals in covered
            for start, end in intervals
            if start < end
        ]

    def check_topics(self) -> None:
        """Raises DataLossRisk if a topic was made anew while the job runs: what it has just read
        may be the new one's."""
        self.output.check_topics(kafka_dstreams.topic_ids(self.params, self.topics))

    def commit_group(self) -> None:
        """Tell lag tools how far the output is. What counts is in the manifests, so a failure is a
        line in the log."""
        try:
            kafka_dstreams.commit(self.params, self.group, self.frontiers(), self.leader_epochs())
        except (kafka_dstreams.KafkaError, Py4JJavaError) as error:
            logging.warning("group %s not updated: %s", self.group, str(error).splitlines()[0])


def open_job(name: str, about: str) -> Opened:
    """Read the settings, take the output over from older drivers, and hold it against Kafka."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    # it is what this program is about
    warnings.filterwarnings("ignore", "DStream is deprecated", FutureWarning)
    job = settings.load(name, sys.argv[1:], about)
    # Once, before several workers would each do it, and while the JVM starts and Kafka and HDFS
    # answer.
    preparing = ThreadPoolExecutor(1).submit(lines.prepare)
    topics = names_of_topics(job.topic)
    check_words(job.accept_loss)
    check_address(job.output)
    if job.values.get("checkpoint"):
        check_address(job.checkpoint)
        checkpoints.check_place(job.checkpoint, job.output)
    params = {"bootstrap.servers": job.bootstrap, "isolation.level": "read_committed"}
    kafka_dstreams.topic_ids(params, topics)  # who cannot read fences nobody off
    storage = Storage(job.output)
    fail_points.arm(job.fail_point, storage.exists(fail_points.MARK))
    output = commits.Output(storage, name, sentiment.NAME)
    # No two outputs share a group, and none is another application's: whatever the flag says, it is
    # how the name begins.
    params["group.id"] = group = f"{job.group or name}-{output.own.identity}"
    # only now: a living predecessor has published beyond what were the ends before
    found = kafka_dstreams.topics(params, topics)
    offsets = {
        (topic, p): span for topic, state in found.items() for p, span in state.partitions.items()
    }
    output.begin({topic: state.id for topic, state in found.items()}, offsets, job.accept_loss)
    ends = (
        {partition: end for partition, (_begin, end) in offsets.items()}
        if job.available_now
        else None
    )
    preparing.result()
    opened = Opened(job, name, topics, group, params, output, ends)
    batches.current = batches.Job(
        storage, output, job.max_tweet_bytes, opened.check_topics, opened.commit_group
    )
    logging.info(
        "%s: epoch %d of %s, next batch %d", name, output.own.epoch, job.output, output.seq
    )
    return opened


def names_of_topics(text: str) -> list[str]:
    """The topics in a comma separated list, each once. Raises ConfigError for none, and for a name
    that Kafka does not allow."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    wrong = [
        name
        for name in names
        if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) or name in (".", "..")
    ]
    if wrong or not names:
        what = f"no topic can be called {wrong[0]!r}" if wrong else "no topic is named"
        raise errors.ConfigError(
            what,
            f"topic {text!r}",
            "--topic NAME[,NAME…]: letters, digits, dot, underscore, hyphen",
        )
    return names


def batch_interval_s(job: Settings) -> float:
    """How far apart the batches are. A checkpoint keeps it, so the receiver job's is always the
    setting's."""
    draining = job.available_now and job.program == "direct"
    return min(job.batch_interval_s, DRAIN_INTERVAL_S) if draining else job.batch_interval_s


def check_words(accept_loss: str) -> None:
    """Raises ConfigError where the text of --accept-loss could not be published: bytes on the
    command line that are no UTF-8."""
    try:
        accept_loss.encode()
    except UnicodeEncodeError:
        what = "the text of --accept-loss is not UTF-8"
        raise errors.ConfigError(
            what, "accept_loss", "say it in another terminal, or in plain letters"
        ) from None


def spark_conf(job: Settings) -> dict[str, str]:
    """The Spark settings that follow from ours, for either approach."""
    conf = {"spark.streaming.gracefulStopTimeout": f"{int(job.stop_timeout_s * 1000)}"}
    # Nobody waits for a single batch, and what one costs at the least is spread over many records.
    # A checkpoint would keep it.
    draining = job.available_now and job.program == "direct"
    if draining:
        conf["spark.streaming.backpressure.enabled"] = "false"
    rate = job.max_rate or (DRAIN_RATE if draining else 0)
    if rate:
        conf["spark.streaming.kafka.maxRatePerPartition"] = conf[
            "spark.streaming.receiver.maxRate"
        ] = str(rate)
    return conf


def main(entry: Any) -> None:
    """Run an entry and end the process with the exit code of what it raises."""

    def run() -> None:
        try:
            entry()
        except kafka_dstreams.KafkaError as error:
            raise (_ours(error) or error) from None
        except Py4JJavaError as error:
            remedy = "scripts/services status, then start again; the stack trace is above"
            known = _ours(kafka_dstreams.error_of(error)) or _torn_log(error) or refusal(error)
            raise (known or errors.PipelineError(_headline(error), remedy=remedy)) from None

    errors.exit_with(run)


def _ours(error: kafka_dstreams.KafkaError | None) -> errors.PipelineError | None:
    if isinstance(error, kafka_dstreams.DataLoss):
        # a start begins where Kafka begins by then
        if batches.current and not batches.current.output.seq:
            return errors.PipelineError(f"{error}; nothing is published yet", remedy="start again")
        return errors.DataLossRisk(str(error), remedy="see docs/runbook.md, exit code 3")
    if isinstance(error, kafka_dstreams.NoSuchTopic) and batches.current:
        return errors.DataLossRisk(
            f"{error}, and did when this job began", remedy="see docs/runbook.md, exit code 3"
        )
    if isinstance(error, kafka_dstreams.NoSuchTopic):
        return errors.ConfigError(
            str(error), remedy="--topic NAME; the producer makes a topic when it first publishes"
        )
    if isinstance(error, kafka_dstreams.Unreachable):
        return errors.ServiceUnreachable(
            str(error), remedy="scripts/services status, or --bootstrap HOST:PORT"
        )
    return None


def _torn_log(error: Py4JJavaError) -> errors.ConfigError | None:
    """The write-ahead log ends within a record. It stays so: each start would fail at the same
    batch."""
    text = str(error)
    if "from write ahead log record" not in text or "EOFException" not in text:
        return None
    return errors.ConfigError(
        "the write-ahead log is torn",
        "receivedData/ in the job's checkpoint",
        running.ANOTHER_CHECKPOINT,
    )


def _headline(error: Py4JJavaError) -> str:
    """The innermost cause's first line: the rest of Spark's report is a stack trace."""
    causes = [line for line in str(error).splitlines() if line.startswith("Caused by: ")]
    return (
        causes[-1].removeprefix("Caused by: ") if causes else str(error.java_exception)
    ).splitlines()[0]
