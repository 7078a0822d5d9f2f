"""The stream and the search of X, against a stub that speaks its wire."""

import json
from itertools import islice
from typing import Any

import pytest

from config.errors import ConfigError, CredentialsError, PipelineError, QuotaExceeded, ServiceUnreachable
from producer.sources import Record, Records, State, x_search, x_stream
from producer.sources.x_wire import Account
from tests.x_stub import TOKEN, XStub

STREAM, RULES, SEARCH = "/2/tweets/search/stream", "/2/tweets/search/stream/rules", "/2/tweets/search/recent"


def tweet(id: int, author: int = 1, place: str = "") -> dict[str, Any]:
    data = {"id": str(id), "text": f"invented {id} ☕", "author_id": str(author)} | (
        {"geo": {"place_id": place}} if place else {}
    )
    includes: dict[str, Any] = {"users": [{"id": str(author), "username": f"invented_{author}"}]}
    if place:
        includes["places"] = [{"id": place, "full_name": f"Place {place}"}]
    return {"data": data, "includes": includes, "matching_rules": [{"id": "1", "tag": "t"}]}


def line(id: int) -> bytes:
    return json.dumps(tweet(id), ensure_ascii=False).encode()


def following(x: XStub, track: str = "coffee") -> Records:
    return x_stream.tweets(Account(TOKEN, x.url), x_stream.phrases(track), State())


def searching(x: XStub) -> Records:
    return x_search.tweets(Account(TOKEN, x.url), "coffee", 1.0, State())


def test_stream_gives_the_bytes_of_each_line() -> None:
    lines = [line(n) for n in range(1, 30)] + [b"not JSON \xff", line(30)]
    with XStub() as x:
        x.connections = [lines]
        records = list(islice(following(x), len(lines)))
    assert records == [Record(str(n), line(n)) for n in range(1, 30)] + [Record(None, lines[-2]), Record("30", lines[-1])]
    assert "note_tweet" in x.queries[0]["tweet.fields"]
    assert x.queries[0]["expansions"] == "author_id,geo.place_id"


def test_stream_reconciles_its_own_rules_only() -> None:
    with XStub() as x:
        x.rules = [
            {"id": "1", "value": "cats", "tag": "somebody else's"},
            {"id": "2", "value": "old", "tag": x_stream.TAG + "old"},
            {"id": "3", "value": "coffee", "tag": x_stream.TAG + "coffee"},
            {"id": "4", "value": "untagged"},
        ]
        x.connections = [[line(1)]]
        next(following(x, "coffee, climate change ,cats"))
        assert sorted(rule["value"] for rule in x.rules) == ["cats", "climate change", "coffee", "untagged"]


def test_stream_reconnects_no_faster_than_x_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_stream, "SECONDS_BETWEEN_CONNECTS", 0.5)
    with XStub() as x:
        x.connections = [[line(1)], [line(2)], [line(3)]]  # the first two end as soon as they have spoken
        assert [id for id, *_ in islice(following(x), 3)] == ["1", "2", "3"]
    pauses = [later - earlier for earlier, later in zip(x.connected_at, x.connected_at[1:], strict=False)]
    assert len(pauses) == 2
    assert min(pauses) > 0.45


def test_stream_keeps_a_disconnect_notice_to_itself() -> None:
    with XStub() as x:
        x.connections = [[b'{"errors":[{"title":"operational-disconnect"}]}', line(1)]]
        assert next(following(x))[0] == "1"


def test_bad_rule_is_a_wrong_setting() -> None:
    with XStub() as x, pytest.raises(ConfigError, match="unbalanced") as raised:
        next(following(x, "(coffee"))
    assert "\x1b" not in str(raised.value)


def test_search_reads_each_tweet_once_over_pages_and_polls() -> None:
    with XStub() as x:
        x.found = [tweet(n, author=n % 2, place="p1" if n == 3 else "") for n in range(1, 6)]
        records = searching(x)
        first = list(islice(records, 5))
        x.found += [tweet(6), tweet(7), tweet(8)]
        second = list(islice(records, 3))
    assert [id for id, *_ in first] == ["5", "4", "3", "2", "1"]
    assert [id for id, *_ in second] == ["8", "7", "6"]
    assert [query.get("since_id") for query in x.queries] == [None, None, None, "5", "5"]
    for id, value, _ in first:
        found = json.loads(value or b"")
        assert found == {**x.found[int(id or "") - 1], "matching_rules": []}


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (401, "about:blank", CredentialsError),
        (403, "https://api.twitter.com/2/problems/client-forbidden", CredentialsError),
        (402, "about:blank", QuotaExceeded),
        (403, "https://api.twitter.com/2/problems/usage-capped", QuotaExceeded),
        (429, "https://api.twitter.com/2/problems/usage-capped", QuotaExceeded),
        (400, "https://api.twitter.com/2/problems/invalid-request", ConfigError),
    ],
)
@pytest.mark.parametrize(("path", "source"), [(RULES, following), (STREAM, following), (SEARCH, searching)])
def test_refusals_end_with_their_reason(path: str, source: Any, status: int, kind: str, error: type[PipelineError]) -> None:
    with XStub() as x:
        x.refuse[path] = status, {"title": "No", "detail": f"because of {TOKEN} \x1b[2J", "type": kind}
        with pytest.raises(error, match="because of") as raised:
            next(source(x))
    assert TOKEN not in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_wrong_token_is_refused_without_being_shown() -> None:
    with XStub() as x, pytest.raises(CredentialsError) as raised:
        next(x_search.tweets(Account("another-token", x.url), "coffee", 1.0, State()))
    assert "another-token" not in str(raised.value)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_search, "ATTEMPTS", 1)
    account = Account(TOKEN, "http://127.0.0.1:9")
    for records in (x_search.tweets(account, "coffee", 1.0, State()), x_stream.tweets(account, ["coffee"], State())):
        with pytest.raises(ServiceUnreachable):
            next(records)


@pytest.mark.parametrize("token", ["", "with space", "line\nend", "ünicode"])
def test_unusable_token(token: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        Account(token, "https://api.twitter.com")
    assert not token or token not in str(raised.value)


def test_token_travels_encrypted_or_stays_here() -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        Account(TOKEN, "http://x.example.org")


def test_settings_that_cannot_work() -> None:
    account = Account(TOKEN, "https://api.twitter.com")
    with pytest.raises(ConfigError, match="--track"):
        x_stream.phrases(" , ")
    with pytest.raises(ConfigError, match="--query"):
        x_search.tweets(account, "", 60.0, State())
    with pytest.raises(ConfigError, match="--interval"):
        x_search.tweets(account, "coffee", 0.1, State())
