"""What a job says that has no executors, or some that cannot run it."""

from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JJavaError

from config.errors import ConfigError, ServiceUnreachable
from consumers.driver import executors


def context(count: int, local: bool = False) -> MagicMock:
    """A context with this many executors."""
    sc = MagicMock(master="spark://m:7077", defaultParallelism=2)
    sc._jvm.kafkadstreams.Cluster.executors.return_value = count
    sc._jvm.kafkadstreams.Cluster.isLocal.return_value = local
    return sc


def test_two_minutes_without_executors_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    sc = context(1)
    watch = executors.Watch(sc)
    now = executors.time.monotonic()
    monkeypatch.setattr(executors.time, "monotonic", lambda: now + 1000)
    watch.check()  # it had one until now
    sc._jvm.kafkadstreams.Cluster.executors.return_value = 0
    monkeypatch.setattr(executors.time, "monotonic", lambda: now + 1119)
    watch.check()
    monkeypatch.setattr(executors.time, "monotonic", lambda: now + 1121)
    with pytest.raises(ServiceUnreachable, match="no executor for 120 s") as raised:
        watch.check()
    assert raised.value.exit_code == 1


def test_a_local_context_is_never_without(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = executors.Watch(context(0, local=True))
    monkeypatch.setattr(executors.time, "monotonic", lambda: 1e12)
    watch.check()


def checked(collected: object) -> None:
    sc = context(2)
    collect = sc.parallelize.return_value.mapPartitions.return_value.collect
    if isinstance(collected, BaseException):
        collect.side_effect = collected
    else:
        collect.return_value = collected
    executors.check(sc, executors.Watch(sc))


def test_a_host_without_our_code_is_named() -> None:
    checked([])
    with pytest.raises(ConfigError, match="No module named 'consumers' at host 127.0.0.3"):
        checked([("127.0.0.3", "No module named 'consumers'")])


class Reported(Py4JJavaError):
    def __str__(self) -> str:
        return (
            "x\npyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] "
            "Python in worker has different version: 3.9 …\n  at y"
        )


def test_another_python_is_one_message() -> None:
    with pytest.raises(ConfigError, match="no Python like the driver's: Python in worker has"):
        checked(Reported("reported", MagicMock()))
