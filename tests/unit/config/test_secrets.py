"""A canary for a token: whatever X does, it is in no log, no exception, nothing that an exception
carries about."""

import logging
import traceback
from typing import Any

import pytest

from config import settings
from config.errors import ConfigError, CredentialsError, PipelineError
from consumers.driver.settings import JOBS
from local.stub_servers.x import XStub
from producer.sources import State
from producer.sources.x import wire as x_wire
from producer.sources.x.following import tweets as stream
from producer.sources.x.kept import Kept
from producer.sources.x.purse import Purse
from producer.sources.x.query import query
from producer.sources.x.rules import wanted
from producer.sources.x.sweeps import tweets as search
from producer.sources.x.wire import Account
from tests.kit.x_tries import PRICES

CANARY = "canary-7d2f9b40c3"


def shown(error: BaseException) -> str:
    """Everything that could be printed of it, of what caused it, and of the requests and answers
    that these hold."""
    parts, seen = ["".join(traceback.format_exception(error))], set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        parts += [str(one), repr(one), str(getattr(one, "headers", ""))]
        waiting += [
            getattr(one, name, None) for name in ("__cause__", "__context__", "response", "request")
        ]
    return "\n".join(parts)


@pytest.mark.parametrize(
    "fault", ["401", "403", "429", "503", "usage_capped", "too_many_connections", "nobody"]
)
@pytest.mark.parametrize("path", ["/stream/rules", "/search/stream", "/search/recent"])
def test_the_token_stays_where_it_is(
    path: str, fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("producer.sources.x.reconnects.PATIENCE_S", -1.0)
    state = State()
    with XStub() as x:
        x.token = CANARY
        x.fault(fault, times=9, path=path) if fault != "nobody" else None
        account = Account(
            CANARY, x.url if fault != "nobody" else "http://127.0.0.1:9", lambda _: None
        )
        purse = Purse(state, PRICES)
        with pytest.raises(PipelineError) as raised:
            if path == "/search/recent":
                next(
                    search(
                        account, query("coffee", "", "", "", 0), 1.0, False, purse, state, Kept()
                    )
                )
            next(stream(account, wanted("coffee", ""), False, purse, state, Kept(), 900.0))
    assert CANARY not in shown(raised.value)
    assert CANARY not in caplog.text
    assert CANARY not in state.now
    assert fault == "nobody" or x.requests, "it was sent, and taken"


def test_what_is_sent_and_answered_does_not_keep_it() -> None:
    with XStub() as x:
        x.token = CANARY
        answer = Account(CANARY, x.url).client().request("GET", "/2/usage/tweets")
        assert answer.status_code == 200
        assert CANARY not in str(answer.request.headers)
        assert CANARY not in repr(vars(answer.request))


def test_the_jobs_have_no_secret_for_their_checkpoints() -> None:
    for program in (*JOBS, "services"):
        assert not any(setting.secret for setting in settings.of(program))
    assert x_wire.MASK != CANARY


@pytest.mark.parametrize("token", ["", "with space", "line\nend", "ünicode"])
def test_unusable_token(token: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        Account(token, "https://api.twitter.com")
    assert not token or token not in str(raised.value)


def test_token_travels_encrypted_or_stays_here() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        Account(CANARY, "http://x.example.org")
