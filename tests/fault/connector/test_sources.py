"""A source written in Python under kills, hangs, noise and stops: none missing, twice only what was
not acknowledged. Each test starts a Spark."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, wait_until
from tests.kit.faults.attacks import java_jar
from tests.kit.other_spark import connector_jars
from tests.kit.sourced import (
    acknowledged,
    alive,
    kill,
    missing,
    opened,
    sourcing,
    stop_said,
    stopped,
    values,
)

long = pytest.mark.long


def test_a_killed_process_is_followed_by_another_and_a_stop_acknowledges_all(
    tmp_path: Path,
) -> None:
    with sourcing(tmp_path, "Noisy") as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > 400, "400 acknowledged")
        kill(opened(tmp_path)[0])
        again = acknowledged(tmp_path)
        run.wait_for(lambda _: acknowledged(tmp_path) > again + 600, "600 more")
        assert stopped(run, tmp_path) < 30 * PATIENCE
        came, said = values(run.output()), run.err.read_text(errors="replace")
    assert missing(came) == [] and max(map(int, came)) + 1 == acknowledged(tmp_path)
    assert all(int(value) >= again for value, times in came.items() if times > 1)
    assert (tmp_path / "closed").exists() and "ended with code 137" in said
    for noise in ("printed by Python", "printed to descriptor 1", "printed by C"):
        assert noise in said


@long
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("GivingUp", "the queue is closed for good"),
        ("Missing", "No module named 'no_such_library'"),
        ("NotBytes", "poll should return a list of Message with bytes"),
        ("Unpicklable", "cannot unpickle the source"),
    ],
)
def test_what_trying_again_cannot_change_ends_the_application(
    tmp_path: Path, kind: str, text: str
) -> None:
    with sourcing(tmp_path, kind) as run:
        run.wait_for(lambda said: '{"ended"' in said, "the end")
        assert text in run.output() and "GaveUpException" in run.output()


@long
def test_another_python_ends_the_application(tmp_path: Path) -> None:
    other = tmp_path / "python"
    line = "import kafka_dstreams.sources as s; s.version = lambda: b'3.0'; "
    line += "import kafka_dstreams.sources.worker as w; w.main()"
    real = sys.executable
    other.write_text(
        f'#!/bin/sh\n[ "$2" = kafka_dstreams.sources.worker ] && exec {real} -c "{line}"\n'
        f'exec {real} "$@"\n'
    )
    other.chmod(0o755)
    with sourcing(tmp_path, "Numbers", options=("--conf", f"spark.pyspark.python={other}")) as run:
        run.wait_for(lambda said: '{"ended"' in said, "the end")
        assert "the executor 3.0" in run.output()


@long
def test_a_hanging_source_is_killed_and_started_again(tmp_path: Path) -> None:
    limit = ("--conf", f"spark.streaming.source.answerTimeout={int(15 * PATIENCE)}s")
    with sourcing(tmp_path, "Hanging", options=limit) as run:
        run.wait_for(lambda _: len(opened(tmp_path)) > 1, "a second process")
        first = acknowledged(tmp_path)
        run.wait_for(lambda _: acknowledged(tmp_path) > first + 600, "600 more")
        assert not alive(opened(tmp_path)[0])
        stopped(run, tmp_path)
        assert missing(values(run.output())) == []
        assert "numbers has not answered in time" in run.err.read_text(errors="replace")


@long
def test_a_hanging_source_does_not_keep_a_stop(tmp_path: Path) -> None:
    with sourcing(tmp_path, "Hanging") as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > 500, "that it hangs")
        assert stopped(run, tmp_path) < 45 * PATIENCE
        assert not alive(opened(tmp_path)[0])


@long
def test_ctrl_c_for_the_whole_group_ends_in_order(tmp_path: Path) -> None:
    with sourcing(tmp_path, "Numbers") as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > 400, "400 acknowledged")
        os.killpg(run.process.pid, signal.SIGINT)
        assert stop_said(run) < 30 * PATIENCE
        came = values(run.output())
    assert missing(came) == [] and set(came.values()) == {1}
    assert (tmp_path / "closed").exists() and len(opened(tmp_path)) == 1


@long
def test_a_killed_driver_leaves_no_process_and_loses_nothing(tmp_path: Path) -> None:
    with sourcing(tmp_path, "Numbers") as run:
        run.wait_for(lambda text: len(values(text)) > 400, "400 values")
        kill(run.process.pid)
        wait_until(lambda: not alive(opened(tmp_path)[0]), 2, "the worker ends with its JVM")
    first, at = run.output(), acknowledged(tmp_path)
    with sourcing(tmp_path, "Numbers") as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > at + 600, "600 more")
        stopped(run, tmp_path)
        came = values(first, run.output())
    assert missing(came) == []
    assert all(int(value) >= at for value, times in came.items() if times > 1)


@long
@pytest.mark.parametrize("moment", ["open", "poll", "ack"])
def test_killed_at_each_moment(tmp_path: Path, moment: str) -> None:
    """In `ack` its messages are in the log already: only they come twice."""
    with sourcing(tmp_path, "Dying", moment) as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > 1000, "1000 acknowledged")
        stopped(run, tmp_path)
        came = values(run.output())
    assert missing(came) == [] and len(opened(tmp_path)) == 3
    assert (set(came.values()) == {1}) == (moment != "ack")


@long
def test_rates_hold(tmp_path: Path) -> None:
    limit = ("--conf", "spark.streaming.receiver.maxRate=100")
    with sourcing(tmp_path, "Numbers", "100000", options=limit) as run:
        run.wait_for(lambda text: len(values(text)) > 300, "300 values")
        stopped(run, tmp_path)
        sizes = {}
        for line in run.output().splitlines():
            if line.startswith('{"time"'):
                sizes[line[:50]] = line.count('", "')
    # a batch is half a second; what a late one gathers is more, but the mean is not
    busy = [size for size in sizes.values() if size]
    assert sum(busy[1:]) / max(1, len(busy) - 1) <= 75, busy


@long
def test_a_small_window_makes_early_blocks_but_no_flood(tmp_path: Path) -> None:
    """A window of 20: blocks close at once, at most 50 per second."""
    with sourcing(tmp_path, "Window", "20") as run:
        text = run.wait_for(lambda text: len(values(text)) > 2000, "2000 values")
        stopped(run, tmp_path)
    came = values(run.output())
    assert missing(came) == [] and set(came.values()) == {1}
    rows = [line for line in text.splitlines() if line.startswith('{"time"')]
    parts = [int(line.rpartition(": ")[2].rstrip("}")) for line in rows]
    assert max(parts) > 5, "early blocks"


@long
def test_a_secret_is_in_no_checkpoint_and_no_log(tmp_path: Path) -> None:
    secret = "hush-0f3a"
    os.environ["NUMBERS_PASSWORD"] = secret
    try:
        with sourcing(tmp_path, "Secret") as run:
            run.wait_for(lambda _: acknowledged(tmp_path) > 200, "200 acknowledged")
            shown = Path(f"/proc/{opened(tmp_path)[0]}/cmdline").read_bytes()
            stopped(run, tmp_path)
    finally:
        del os.environ["NUMBERS_PASSWORD"]
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in data for data in [shown, *held])
    assert any(b"NUMBERS_PASSWORD" in data for data in held) or any(
        "checkpoint-" in str(path) for path in tmp_path.rglob("*")
    )


@pytest.fixture(scope="session")
def faulty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar with the write-ahead log that fails on order."""
    return java_jar("FaultyLog", tmp_path_factory.mktemp("faulty-log"))


@long
def test_nothing_is_acknowledged_that_the_log_has_refused(tmp_path: Path, faulty_log: Path) -> None:
    orders, more = tmp_path / "log", tmp_path / "orders.new"
    orders.mkdir()
    (orders / "orders").touch()
    options = [
        *("--jars", ",".join([*connector_jars(), str(faulty_log)])),
        *("--conf", "spark.streaming.receiver.writeAheadLog.class=FaultyLog"),
        *("--conf", f"spark.test.log={orders}"),
    ]
    with sourcing(tmp_path, "Numbers", options=options) as run:
        run.wait_for(lambda _: acknowledged(tmp_path) > 400, "400 acknowledged")
        for count in (3, 1000):
            more.write_text("fail\n" * count)
            more.rename(orders / "orders")
            wait_until(lambda: (orders / "served").exists(), 60, "a write that fails")
            if count == 3:
                at = acknowledged(tmp_path)
                run.wait_for(lambda _, at=at: acknowledged(tmp_path) > at + 600, "600 more")
                (orders / "served").unlink()
        held = acknowledged(tmp_path)
        assert stopped(run, tmp_path) < 60 * PATIENCE
        came = values(run.output())
        assert acknowledged(tmp_path) == held, "nothing of a failing log is acknowledged"
    assert missing(came) == [] and set(came.values()) == {1} and len(came) == held
