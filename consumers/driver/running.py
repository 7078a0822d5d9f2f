"""From the first batch to the last: starting, waiting, and stopping in order and in bounded
time."""

import os
import signal
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.streaming import StreamingContext

from config.errors import PipelineError
from consumers.driver import executors
from consumers.driver.driver import Driver
from consumers.driver.figures import looking
from consumers.driver.looking import Look

CLOCK_SLACK_S = 60  # a clock set back by less is waited for, as Spark does
# the logger's name
_METADATA_LOG = "org.apache.spark.streaming.util.FileBasedWriteAheadLog_ReceivedBlockTracker"
_POLL_S = 0.2
_GRACE_S = 30.0  # beyond the graceful stop's own limit, for the JVM to end its threads


def run(ssc: StreamingContext, driver: Driver) -> None:
    """Run the streams until the driver is done, until SIGINT or SIGTERM (graceful stop), or until a
    batch fails.

    Raises the driver's failure, or what Spark reports; PipelineError when the wall clock is set
    back: Spark's timer would make no batch until the clock has caught up. A stop that hangs ends
    the process with 1.
    """
    jvm: Any = ssc.sparkContext._jvm
    if driver.done():
        ssc.sparkContext.stop()
        return
    jvm.kafkadstreams.Signals.install()
    # Ctrl-C reaches this process too; the JVM half keeps the request
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    watch = executors.Watch(ssc.sparkContext)
    try:
        executors.check(ssc.sparkContext, watch)
    except BaseException:
        ssc.sparkContext.stop()
        raise
    graceful = False
    try:
        ssc.start()
        with _observed(ssc, driver, watch.is_local):
            graceful = _wait(ssc, driver, jvm.kafkadstreams.Signals, watch)
    except Py4JJavaError:
        if driver.failure is None:  # otherwise Spark reports, in its own words, what it was
            raise
    finally:
        _stop(ssc, jvm, graceful, driver.settings.stop_timeout_s)
    if driver.failure is not None:
        raise driver.failure


def _observed(
    ssc: StreamingContext, driver: Driver, is_local: bool
) -> AbstractContextManager[None]:
    """Looks at Kafka and Spark where the job's metrics are served."""
    if not driver.settings.metrics:
        return nullcontext()
    return looking(Look(ssc, driver, is_local))


def _wait(ssc: StreamingContext, driver: Driver, signals: Any, watch: executors.Watch) -> bool:
    """Wait for the end; says whether the stop may take the time for what is under way."""
    booted = time.time() - time.monotonic()
    while driver.failure is None:
        watch.check()
        if driver.done() or signals.requested():
            return True
        ssc.awaitTerminationOrTimeout(_POLL_S)  # type: ignore[arg-type]
        back = booted - (time.time() - time.monotonic())
        if back > CLOCK_SLACK_S:
            remedy = "start again; otherwise Spark idles until the clock catches up"
            raise PipelineError(f"the clock was set back by {back:.0f} s", remedy=remedy)
    return False


def _stop(ssc: StreamingContext, jvm: Any, graceful: bool, timeout_s: float) -> None:
    watchdog = threading.Timer(timeout_s + _GRACE_S, _give_up)
    watchdog.daemon = True
    watchdog.start()
    if graceful:
        limit_stop(ssc, timeout_s)
        # Spark closes this log before its last use; the second of three attempts opens it again, a
        # third one would be an error
        log4j = jvm.org.apache.logging.log4j
        log4j.core.config.Configurator.setLevel(_METADATA_LOG, log4j.Level.ERROR)
    ssc.stop(stopSparkContext=True, stopGraceFully=graceful)
    watchdog.cancel()


def limit_stop(ssc: StreamingContext, timeout_s: float) -> None:
    """Let a graceful stop last this long. Said to the running context, because settings that were
    given at its start may come from a checkpoint."""
    jsc: Any = ssc.sparkContext._jsc
    jsc.sc().conf().set("spark.streaming.gracefulStopTimeout", f"{int(timeout_s * 1000)}ms")


def _give_up() -> None:
    what = "the stop took too long; what is published stays, a start reads the rest again"
    print(f"error: {what}\n  next: start again", file=sys.stderr)
    os._exit(1)
