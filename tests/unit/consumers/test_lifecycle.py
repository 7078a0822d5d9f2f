"""What a run raises when Spark's report of a failed batch and our own come at once, and when the
clock is set back."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JJavaError

from config.errors import Fenced, PipelineError
from consumers.driver import running

REPORTED = Py4JJavaError("reported", MagicMock())


class Job:
    """A driver that is never done and whose failure is asked for again and again."""

    settings = SimpleNamespace(stop_timeout_s=1.0, metrics="")

    def __init__(self, failures: list[BaseException | None]) -> None:
        self.said = iter(failures)

    @property
    def failure(self) -> BaseException | None:
        return next(self.said)

    def done(self) -> bool:
        return False


def run(failures: list[BaseException | None], wait: object = REPORTED) -> None:
    """Run streams in which Spark reports an error at the first wait, or `wait` happens; `failures`
    is what our half says, call by call."""
    ssc = MagicMock()
    ssc.sparkContext._jvm.kafkadstreams.Signals.requested.return_value = False
    ssc.awaitTerminationOrTimeout.side_effect = wait
    job: Any = Job(failures)
    try:
        running.run(ssc, job)
    finally:
        ssc.stop.assert_called_once_with(stopSparkContext=True, stopGraceFully=False)


@pytest.fixture(autouse=True)
def signals_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.signal, "signal", lambda *_: None)


def test_our_own_failure_is_the_reason() -> None:
    fenced = Fenced("a newer driver has taken over")
    with pytest.raises(Fenced) as raised:
        run([None, fenced, fenced, fenced])
    assert raised.value is fenced


def test_sparks_report_where_we_know_nothing() -> None:
    with pytest.raises(Py4JJavaError):
        run([None, None])


def test_a_clock_set_back_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = running.time.time

    def an_hour_back(_seconds: float) -> None:
        monkeypatch.setattr(running.time, "time", lambda: now() - 3600)

    with pytest.raises(PipelineError, match="set back by 3600 s"):
        run([None, None], an_hour_back)
