"""The doctor's points that are of this machine and of Bluesky: each is looked at, and each has its
remedy."""

import os
from pathlib import Path
from typing import Any

import pytest

from config import settings
from config.errors import ConfigError, PipelineError, ServiceUnreachable
from local.stub_servers.jetstream import Jetstream
from local.stub_servers.x import TOKEN, XStub
from producer.doctor import files as check_files
from producer.doctor.check import _line, check
from producer.opening import checks
from producer.run import records_of
from producer.sources.bluesky import check as bluesky_check


def chosen(*arguments: str, **environ: str) -> settings.Settings:
    return settings.load(
        "producer", arguments, environ=environ, file=Path("/nowhere"), secrets=Path("/nowhere")
    )


class TestBluesky:
    def test_it_really_connects_and_says_what_it_got(self) -> None:
        with Jetstream(rate=1000) as stub:
            assert f"127.0.0.1:{stub.port} (v2) sends: " in bluesky_check.look(stub.url)
            assert stub.connections == 1
            stub.faults.refuse_v2 = 404
            told = bluesky_check.look(stub.url)
            assert f"127.0.0.1:{stub.port} (v1) sends: " in told and "(v2) refuses with 404" in told

    def test_nobody_there(self) -> None:
        with pytest.raises(
            ServiceUnreachable, match=r"127.0.0.1:1 \(v2\): .*refused.*127.0.0.1:1 \(v1\)"
        ):
            bluesky_check.look("ws://127.0.0.1:1")

    def test_one_that_refuses_and_one_that_is_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bluesky_check, "LOOK_S", 0.2)
        with Jetstream(rate=0) as stub:
            with pytest.raises(ServiceUnreachable, match="sends nothing for"):
                bluesky_check.look(stub.url)
            stub.faults.refuse = 403
            with pytest.raises(ConfigError, match="every Jetstream refuses"):
                bluesky_check.look(stub.url)


class TestSpool:
    def test_new(self, tmp_path: Path) -> None:
        told = check_files.spool(
            chosen("--source", "bluesky", "--spool", str(tmp_path / "a" / "spool"))
        )
        assert told.startswith(", new, ") and told.endswith(" GiB free")
        assert not (tmp_path / "a").exists(), "a check leaves nothing"

    def test_none(self) -> None:
        assert check_files.spool(chosen("--source", "sample")).startswith(", none")

    def test_what_waits(self, tmp_path: Path) -> None:
        arguments = chosen("--source", "bluesky", "--spool", str(tmp_path))
        spool = records_of(arguments)
        for _ in range(3):
            spool.append(b"k", b"v")
        spool.close()
        for _ in range(2):
            assert check_files.spool(arguments).startswith(", 3 records wait, ")

    def test_in_use_or_of_another(self, tmp_path: Path) -> None:
        arguments = chosen("--source", "bluesky", "--spool", str(tmp_path))
        spool = records_of(arguments)
        with pytest.raises(ConfigError, match="another producer uses"):
            check_files.spool(arguments)
        spool.close()
        with pytest.raises(ConfigError, match="the spool holds records of"):
            check_files.spool(
                chosen("--source", "bluesky", "--topic", "other", "--spool", str(tmp_path))
            )


class TestFiles:
    def test_nothing_is_made(self, tmp_path: Path) -> None:
        assert check_files.file(str(tmp_path / "ledger"), "--ledger") == f", {tmp_path}/ledger"
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("path", ["", "nowhere/ledger"])
    def test_what_cannot_be_written(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(ConfigError) as raised:
            check_files.file(str(tmp_path / path), "--ledger")
        assert "--ledger" in raised.value.remedy

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_what_may_not_be_written(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(ConfigError, match="may not write"):
            check_files.file(str(tmp_path / "ledger"), "--ledger")


def test_a_point_that_fails_is_one_line_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> Any:
        raise ServiceUnreachable("it is away", "there", "wait")

    assert (_line("this", lambda: ", fine"), _line("that", fails)) == (0, 1)
    assert capsys.readouterr().out == "this: ok, fine\nthat: it is away at there\n  next: wait\n"


def test_a_limit_of_x_is_an_answer_the_doctor_asks_once() -> None:
    with XStub() as x:
        x.fault("429", times=9, path="/usage/tweets")
        arguments = chosen(
            "--query", "coffee", TWEETS_X_BASE_URL=x.url, TWEETS_X_BEARER_TOKEN=TOKEN
        )
        with pytest.raises(PipelineError) as raised:
            dict(checks(arguments))["X token"]()
        assert "again in" in str(raised.value)
        assert len([path for path, _ in x.requests if "usage" in path]) == 1


def test_a_broker_that_is_away_is_said_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.publishing.brokers.CONNECT_TIMEOUT_S", 1.0)
    address = (
        "--bootstrap",
        "127.0.0.1:9",
        "--output",
        "hdfs://127.0.0.1:9/x",
        "--webhdfs",
        "http://127.0.0.1:9",
    )
    assert check(chosen("--source", "sample", *address)) == 1
    out = capsys.readouterr().out
    assert out.count("no Kafka broker answers") == 1 and "topic tweets" not in out
    assert "spool: ok" in out and "ledger: ok" in out and "report: ok" in out
