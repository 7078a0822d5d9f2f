"""Executors on other machines: whether they can run the job, and whether there are any."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

from config.errors import ConfigError, PipelineError, ServiceUnreachable
from consumers.output.jvm_errors import causes

LONE_S = 120.0  # without executors a batch waits for ever, and says nothing
_POLL_S = 0.2
_CODE = "install the same checkout and Python there, or send an archive: docs/cluster.md"
# what a task says that finds no interpreter, or another one than the driver's
_PYTHON = ("PYTHON_VERSION_MISMATCH", "Cannot run program")
_TASKS = "org.apache.spark.scheduler.TaskSetManager"  # the logger's name


class Watch:
    """How long a context has been without executors. A local one never is."""

    def __init__(self, sc: SparkContext) -> None:
        self._sc, self._seen = sc, time.monotonic()
        self._cluster = sc._jvm.kafkadstreams.Cluster  # type: ignore[union-attr]
        # whether driver and executor are one process; asked once, `check` runs five times a second
        self.is_local = bool(self._cluster.isLocal(sc._jsc.sc()))

    def check(self) -> None:
        """Raises ServiceUnreachable when there has been no executor for LONE_S."""
        now = time.monotonic()
        if self.is_local or self._cluster.executors(self._sc._jsc.sc()):
            self._seen = now
        elif now - self._seen > LONE_S:
            what = f"no executor for {LONE_S:.0f} s: the batches wait, nothing is lost"
            remedy = "see the cluster's page for its hosts and free cores, then start again"
            raise ServiceUnreachable(what, str(self._sc.master), remedy)


def check(sc: SparkContext, watch: Watch) -> None:
    """Have each core of the cluster load our code and its compiled functions, before the first
    batch has to.

    Raises ConfigError that names the host where that does not work, ServiceUnreachable where no
    executor comes.
    """
    if watch.is_local:
        return
    cores = sc.defaultParallelism
    loaded = sc.parallelize(range(cores), cores).mapPartitions(_loader())
    pool = ThreadPoolExecutor(1)
    with _silent(sc):
        asked = pool.submit(loaded.collect)
        while not wait([asked], _POLL_S).done:
            watch.check()
    try:
        failed = sorted(filter(None, asked.result()))
    except Py4JJavaError as error:
        raise _explained(error, str(sc.master)) or error from None
    if failed:
        host, why = failed[0]
        raise ConfigError(f"an executor cannot load this job's code: {why}", f"host {host}", _CODE)


def _loader() -> Callable[[Any], Iterator[Any]]:
    """A function that crosses by value: the executors may have nothing of ours to look it up in."""

    def load(_rows: Any) -> Iterator[Any]:
        import os
        import socket

        try:
            from consumers.driver import batches  # noqa: F401  the tasks' functions are there
            from consumers.tweets import lines

            lines.prepare()
        except Exception as error:
            yield os.environ.get("SPARK_LOCAL_IP") or socket.gethostname(), str(error)

    return load


def _explained(error: Py4JJavaError, master: str) -> PipelineError | None:
    for mark in _PYTHON:
        for _, text in causes(error):
            if mark in text:
                what = text[text.index(mark) :].removeprefix(f"{mark}] ")
                return ConfigError(
                    f"an executor has no Python like the driver's: {what}", master, _CODE
                )
    return None


@contextmanager
def _silent(sc: SparkContext) -> Iterator[None]:
    """While it lasts Spark does not log each task that failed: one message says it."""
    log4j: Any = sc._jvm.org.apache.logging.log4j  # type: ignore[union-attr]
    set_level = log4j.core.config.Configurator.setLevel
    set_level(_TASKS, log4j.Level.OFF)
    try:
        yield
    finally:
        set_level(_TASKS, log4j.Level.WARN)
