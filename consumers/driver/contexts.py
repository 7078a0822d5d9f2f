"""The streaming context of a job, with the Spark settings that follow from ours."""

from collections.abc import Mapping

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from config.settings import Settings

# records per second and partition: more than one core can do, so that it bounds a batch only
DRAIN_RATE = 200_000
# of the direct job with --available-now: no reader waits for its batches, and it waits for none
DRAIN_INTERVAL_S = 0.5


def streaming_context(
    settings: Settings, more: Mapping[str, str] | None = None
) -> StreamingContext:
    """A streaming context whose Spark settings are those of spark-submit, with ours and then `more`
    on top."""
    conf = SparkConf().setAppName(settings.program)
    conf.setAll([*spark_conf(settings).items(), *(more or {}).items()])
    if str(conf.get("spark.master")).startswith("local"):
        conf.setIfMissing("spark.python.daemon.module", "consumers.driver.worker_daemon")
    # PySpark takes a part of a second, whatever its types say
    return StreamingContext(SparkContext(conf=conf), batch_interval_s(settings))  # type: ignore[arg-type]


def _drains(settings: Settings) -> bool:
    """Whether no reader waits for a single batch, so that batches may be as large as pays."""
    return bool(settings.available_now) and settings.program == "direct"


def batch_interval_s(settings: Settings) -> float:
    """How far apart the batches are. A checkpoint keeps it, so the receiver job's is always the
    setting's."""
    given = float(settings.batch_interval_s)
    return min(given, DRAIN_INTERVAL_S) if _drains(settings) else given


def spark_conf(settings: Settings) -> dict[str, str]:
    """The Spark settings that follow from ours."""
    conf = {}
    # The receiver job's checkpoint would keep this for later starts.
    if _drains(settings):
        conf["spark.streaming.backpressure.enabled"] = "false"
    rate = settings.max_rate or (DRAIN_RATE if _drains(settings) else 0)
    if rate:
        conf["spark.streaming.kafka.maxRatePerPartition"] = str(rate)
        conf["spark.streaming.receiver.maxRate"] = str(rate)
    return conf
