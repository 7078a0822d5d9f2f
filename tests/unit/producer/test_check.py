"""`--check`'s points and `--dry-run`, each with its cause and remedy; Kafka's and HDFS's are in
tests/integration."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config import settings
from config.errors import ConfigError, CredentialsError, PipelineError, ServiceUnreachable
from local.stub_servers.x import TOKEN, XStub
from local.stub_servers.x_handler import Handler
from producer.doctor import broker as check_broker
from producer.doctor import machine as check_machine
from producer.doctor.output import Output
from producer.opening import checks, estimate, open_source, question
from producer.sources import State
from producer.sources.x import check as x_check
from producer.sources.x.kept import Kept, remembered


def chosen(x: XStub, *arguments: str, token: str = TOKEN) -> settings.Settings:
    environ = {"TWEETS_X_BASE_URL": x.url, "TWEETS_X_BEARER_TOKEN": token}
    return settings.load(
        "producer", arguments, environ=environ, file=Path("/nowhere"), secrets=Path("/nowhere")
    )


def results(x: XStub, *arguments: str, token: str = TOKEN) -> dict[str, Any]:
    """What each point of X says, or the error it raises."""
    found: dict[str, Any] = {}
    for name, probe in checks(chosen(x, *arguments, token=token)):
        try:
            found[name] = probe()
        except PipelineError as error:
            assert error.remedy
            found[name] = error
    return found


def test_x_is_well() -> None:
    with XStub() as x:
        x.world.rules.append({"id": "1", "value": "cats"})
        found = results(x, "--source", "stream", "--track", "coffee")
        assert found["X token"] == ""
        assert "of 3000000 posts" in found["X plan"]
        assert (
            found["X rules"]
            == ", 1 to add, 0 to delete; 1 of others stay active (--replace-rules deletes them)"
        )
        assert "within" in found["clock"]
        assert "X rules" not in results(x, "--source", "search", "--query", "coffee")
        assert [rule["value"] for rule in x.world.rules] == ["cats"], "a check changes nothing"


def test_x_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with XStub() as x:
        assert isinstance(
            results(x, "--source", "search", token="wrong")["X token"], CredentialsError
        )
        x.fault("403", times=3, path="/usage/tweets")
        assert "plan" in results(x, "--source", "search")["X plan"].remedy
        monkeypatch.setattr(x_check, "time", SimpleNamespace(time=lambda: time.time() + 300))
        assert "clock is +30" in str(results(x, "--source", "search")["clock"])


@pytest.mark.parametrize(
    ("probe", "remedy"),
    [
        (lambda: check_machine.system("win32"), "WSL"),
        (lambda: check_machine.encoding(("cp1252",)), "PYTHONUTF8"),
        (lambda: check_broker.reach("127.0.0.1", 9, "b"), "advertised.listeners"),
        (lambda: Output("file:///x", "").write(), "hdfs://"),
        (
            lambda: Output("hdfs://127.0.0.1:9/x", "http://127.0.0.1:9").write(),
            "scripts/services start",
        ),
    ],
)
def test_what_is_wrong_has_a_remedy(probe: Any, remedy: str) -> None:
    with pytest.raises((ConfigError, ServiceUnreachable)) as raised:
        probe()
    assert remedy in raised.value.remedy


def test_packages_are_held_against_the_pins(tmp_path: Path) -> None:
    assert "as pinned" in check_machine.packages()
    (tmp_path / "pins").write_text("tweepy==3.10.0\nno-such-package==1\n")
    with pytest.raises(ConfigError, match=r"tweepy 4\S+ instead of 3.10.0, no-such-package none"):
        check_machine.packages(tmp_path / "pins")


def test_a_dry_run_of_the_search_buys_nothing() -> None:
    with XStub() as x:
        x.world.invent(40, ago_s=40)
        told = estimate(chosen(x, "--source", "search", "--query", "coffee"))
        assert told == {
            "source": "search",
            "query": "coffee",
            "posts": 40,
            "usd": 0.2,
            "usd_at_most": 1.0,
            "usd_to_ask": 0.005,
        }
        assert [path for path, _ in x.requests] == ["/2/tweets/counts/recent"]


def test_a_dry_run_of_the_stream_changes_no_rule() -> None:
    with XStub() as x:
        x.world.rules.append({"id": "1", "value": "cats", "tag": "somebody else's"})
        x.world.invent(40, ago_s=40)
        told = estimate(chosen(x, "--source", "stream", "--track", "coffee,tea", "--replace-rules"))
        assert [line[:8] for line in told["rules"]] == ["+ coffee", "+ tea  (", "- cats  "]
        assert told["posts_a_day"] == {"coffee": 40, "tea": 40}
        assert (told["usd_a_day"], told["usd_to_ask"]) == (0.4, 0.01)
        assert json.dumps(told)
        assert [rule["value"] for rule in x.world.rules] == ["cats"]
        assert not x.queries("/search/stream")


def test_a_dry_run_has_what_waits_in_the_spool(tmp_path: Path) -> None:
    with XStub() as x:
        stream = chosen(
            x,
            "--source",
            "stream",
            "--track",
            "coffee",
            "--spool",
            str(tmp_path),
            "--fill-gaps",
            "2h",
        )
        begun = x.world.now()
        open_source(stream, State(), folder=tmp_path)
        kept = Kept(tmp_path, remembered(tmp_path).of or question(stream))
        kept.whole(begun)
        x.world.ahead_s += 3_600
        x.world.invent(40, ago_s=60)
        told = estimate(stream)
        assert (told["gap"]["posts"], told["gap"]["usd"], told["gap"]["is_fetched"]) == (
            40,
            0.2,
            True,
        )
        x.world.ahead_s += 7_200
        assert estimate(stream)["gap"]["is_fetched"] is False
        other = chosen(x, "--source", "stream", "--track", "tea", "--spool", str(tmp_path))
        assert "gap" not in estimate(other), "it is not of these rules"


def test_a_doctor_tries_once_and_says_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with XStub() as x:
        x.fault("429", path="/usage/tweets")
        assert "used up" in str(results(x, "--source", "search")["X token"])
        x.requests.clear()
        results(x, "--source", "search")
        assert len(x.queries("/usage/tweets")) == 1, "one request for token, plan and clock"
        monkeypatch.setattr(Handler, "send_header", without_date(Handler.send_header))
        assert "no Date" in str(results(x, "--source", "search")["clock"])


def without_date(send_header: Any) -> Any:
    return lambda self, name, value: None if name == "Date" else send_header(self, name, value)


def test_what_costs_nothing_has_no_dry_run() -> None:
    with XStub() as x, pytest.raises(ConfigError, match="costs nothing"):
        estimate(chosen(x, "--source", "sample"))
