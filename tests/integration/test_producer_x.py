"""X's faults against a real broker: what the stub has delivered is on the topic, and the figures are exact."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config import settings
from producer import opening
from producer.run import Run
from producer.sources import x_stream, x_wire
from producer.stopping import Interrupt
from scripts.stubs.x import BURST, TOKEN, XStub
from tests.conftest import ROOT, Services, wait_until
from tests.producing import COMMAND, assert_ledger_matches, published

CANARY = "canary-b83e55d1f0"
GAPS = ["close", "reset", "silence", "notice", "503", "429", "429_reset", "too_many_connections"]
SHAPES = ["broken_json", "missing_tag", "new_names", "duplicate", "disorder", "burst"]


def run_of(services: Services, x: XStub, topic: str, folder: Path, posts: int) -> Run:
    """The producer, in this process, with the stream of the stub."""
    arguments = {"source": "stream", "track": "coffee", "topic": topic, "max_posts": posts, "x_base_url": x.url}
    arguments |= {"spool": folder / "spool", "ledger": folder / "ledger"}
    flags = [part for name, value in arguments.items() for part in ("--" + name.replace("_", "-"), str(value))]
    environ = {"TWEETS_BOOTSTRAP": services.bootstrap, "TWEETS_X_BEARER_TOKEN": TOKEN}
    return Run(settings.load("producer", flags, environ=environ, secrets=Path("/nowhere")), Interrupt())


@pytest.mark.parametrize("kind", [*GAPS, *SHAPES])
def test_each_fault_loses_nothing(
    kind: str, services: Services, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x_stream, "FILL_AFTER_S", 0.0)
    monkeypatch.setattr(x_wire, "SILENCE_S", 1.0 if kind == "silence" else 21.0)
    with XStub() as x:
        missed: list[Any] = []
        monkeypatch.setattr(opening, "time", SimpleNamespace(sleep=lambda _: missed.extend(x.world.invent(0 if missed else 30))))
        x.world.invent(20)
        if kind in GAPS[4:]:
            x.fault("close", after=20)
        x.fault(kind, after=20)
        extra = {"broken_json": 1, "burst": BURST}.get(kind, 0)
        run = run_of(services, x, topic, tmp_path, 50 + extra)
        if kind in SHAPES:
            threading.Thread(target=_post_later, args=(x,), daemon=True).start()
        run.go()
        report = run.report()
    assert (report.read, report.acked, report.failed, report.rejected) == (50 + extra, 50 + extra, 0, 0)
    assert (report.backfilled, report.stopped_by) == (30 if kind in GAPS else 0, "max_posts")
    assert report.reconnects == {True: 2 if kind in GAPS[4:] else 1, False: 0}[kind in GAPS]
    found = published(services, topic)
    assert_ledger_matches(tmp_path / "ledger", topic, found)
    ids = [key.decode() for key, _ in found.values() if key]
    assert sorted(ids) == sorted(post["data"]["id"] for post in x.world.posts), "each post once"
    assert {key.decode(): value for key, value in found.values() if key}.items() >= x.delivered.items()


def _post_later(x: XStub) -> None:
    wait_until(lambda: not x.faults, 30, "the fault has happened")
    x.world.invent(30)


def test_a_restart_goes_on_behind_what_the_spool_had(services: Services, topic: str, tmp_path: Path) -> None:
    with XStub() as x:
        x.world.invent(20)
        first = run_of(services, x, topic, tmp_path, 20)
        first.go()
        wait_until(lambda: not x.open_streams, 10, "the stub has noticed")
        x.world.invent(30)
        second = run_of(services, x, topic, tmp_path, 50)
        second.go()
        assert second.report().backfilled == 50, "the 20 of the last seconds come again, with the same keys"
    found = published(services, topic)
    assert {key.decode() for key, _ in found.values() if key} == {post["data"]["id"] for post in x.world.posts}
    assert len(found) == 70


def test_the_token_is_nowhere(services: Services, topic: str, tmp_path: Path) -> None:
    arguments = ["--source", "stream", "--track", "coffee", "--topic", topic, "--json", "--spool", str(tmp_path / "spool")]
    arguments += ["--ledger", str(tmp_path / "ledger"), "--report", str(tmp_path / "report.json")]
    with XStub() as x:
        x.token = CANARY
        x.fault("close", after=20)
        x.world.invent(20)
        environ = {**os.environ, **services.environ, "TWEETS_X_BEARER_TOKEN": CANARY}
        command = [*COMMAND, *arguments, "--x-base-url", x.url]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: len(x.connected_at) == 2, 30, "the stream was connected twice")
        x.world.invent(20)
        wait_until(lambda: len(x.delivered) == 40, 30, "all was delivered")
        seen = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, check=True).stdout
        x.fault("close")
        x.fault("401")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 5
    assert str(tmp_path).encode() in seen, "ps has seen the producer"
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    on_topic = [part or b"" for record in published(services, topic).values() for part in record]
    assert len(on_topic) >= 80 and len(written) >= 3
    assert json.loads((tmp_path / "report.json").read_text())["acked"] >= 40
    assert b"401" in err or b"refuses" in err
    for place in (seen, out, err, *written, *on_topic):
        assert CANARY.encode() not in place


def test_a_stop_in_the_middle_keeps_what_was_received(services: Services, topic: str, tmp_path: Path) -> None:
    with XStub() as x:
        x.world.invent(500)
        command = [*COMMAND, "--source", "stream", "--track", "coffee", "--topic", topic, "--x-base-url", x.url]
        command += ["--spool", str(tmp_path / "spool"), "--report", str(tmp_path / "report.json")]
        environ = {**os.environ, **services.environ, "TWEETS_X_BEARER_TOKEN": TOKEN}
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
        wait_until(lambda: len(x.delivered) == 500, 30, "all was delivered")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["read"] == report["acked"] == len(published(services, topic))
