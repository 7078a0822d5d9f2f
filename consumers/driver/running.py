"""From the first batch to the last: starting, waiting, and stopping in order and in bounded
time."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from config.errors import ConfigError, PipelineError
from consumers.driver import executors

ANOTHER_CHECKPOINT = (
    "start with another --checkpoint: the output knows what is published, nothing is lost"
)
CLOCK_SLACK_S = 60  # a clock set back no further is waited for, as Spark does
# the logger's name
_METADATA_LOG = "org.apache.spark.streaming.util.FileBasedWriteAheadLog_ReceivedBlockTracker"
_POLL_S = 0.2
_GRACE_S = 30.0  # beyond the graceful stop's own limit, for the JVM to end its threads


def streaming_context(
    name: str, batch_interval_s: float, conf: Mapping[str, str]
) -> StreamingContext:
    """A streaming context whose Spark settings are those of spark-submit with `conf` on top."""
    spark = SparkConf().setAppName(name).setAll(list(conf.items()))
    return StreamingContext(SparkContext(conf=spark), batch_interval_s)


def recover(
    checkpoint: str, create: Callable[[], StreamingContext], receivers: int
) -> StreamingContext:
    """The context that the checkpoint holds, or a new one where there is none.

    Raises ConfigError if the checkpoint cannot be read, or if the receivers would leave no core for
    the batches.
    """
    try:
        ssc = StreamingContext.getOrCreate(checkpoint, create)
    except Py4JJavaError as error:
        if "Failed to read checkpoint" not in str(error):
            raise
        what = "the checkpoint cannot be read, it may be another version's"
        raise ConfigError(what, checkpoint, ANOTHER_CHECKPOINT) from None
    cores = ssc.sparkContext._jvm.kafkadstreams.Cluster.cores(ssc.sparkContext._jsc.sc())
    if cores <= receivers:
        ssc.stop()
        what = (
            f"{receivers} receivers keep a core each and {cores} cores leave none for the batches"
        )
        raise ConfigError(
            what,
            "receivers",
            f"fewer --receivers, or spark-submit --master local[{receivers + 2}]; on a cluster "
            f"--conf spark.cores.max={receivers + 2} or more executors",
        )
    return ssc


def run(
    ssc: StreamingContext,
    failure: Callable[[], BaseException | None],
    done: Callable[[], bool],
    stop_timeout_s: float,
) -> None:
    """Run the streams until `done`, SIGINT or SIGTERM (graceful stop), or until a batch fails.

    Raises what `failure` returns, or whatever Spark reports; PipelineError when the wall clock is
    set back, for Spark's timer would make no batch until it is there again. A stop that hangs ends
    the process with 1.
    """
    if done():
        ssc.sparkContext.stop()
        return
    signals = ssc.sparkContext._jvm.kafkadstreams.Signals
    signals.install()
    # Ctrl-C reaches this process too; the JVM half keeps the request
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    watch = executors.Watch(ssc.sparkContext)
    try:
        executors.check(ssc.sparkContext, watch)
    except BaseException:
        ssc.sparkContext.stop()
        raise
    graceful, booted = False, time.time() - time.monotonic()
    try:
        ssc.start()
        while failure() is None:
            watch.check()
            if done() or signals.requested():
                graceful = True
                break
            ssc.awaitTerminationOrTimeout(_POLL_S)
            back = booted - (time.time() - time.monotonic())
            if back > CLOCK_SLACK_S:
                raise PipelineError(
                    f"the clock was set back by {back:.0f} s",
                    remedy="start again: Spark would wait for so long",
                )
    except Py4JJavaError:
        if failure() is None:  # otherwise Spark reports, in its own words, what the batch raised
            raise
    finally:
        _stop(ssc, graceful, stop_timeout_s)
    error = failure()
    if error is not None:
        raise error


def _stop(ssc: StreamingContext, graceful: bool, stop_timeout_s: float) -> None:
    watchdog = threading.Timer(stop_timeout_s + _GRACE_S, _give_up)
    watchdog.daemon = True
    watchdog.start()
    if (
        graceful
        # Spark closes this log before its last use; the second of three attempts opens it again, a
        # third would be an error
    ):
        log4j = ssc.sparkContext._jvm.org.apache.logging.log4j
        log4j.core.config.Configurator.setLevel(_METADATA_LOG, log4j.Level.ERROR)
    ssc.stop(stopSparkContext=True, stopGraceFully=graceful)
    watchdog.cancel()


def _give_up() -> None:
    print(
        "error: the stop took too long; what is published stays, the rest is read again at the "
        "next start",
        file=sys.stderr,
    )
    os._exit(1)
