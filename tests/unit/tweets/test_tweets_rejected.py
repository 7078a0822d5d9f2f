"""Each reason for rejection, the limits on both sides, and no exception whatever the bytes."""

import base64
import json
import random
import typing

import pytest

from consumers.tweets.parse import Rejected, Tweet, parse, row
from tests.kit.tweet_samples import (
    BLUESKY,
    LIMIT,
    OLD,
    SCORE,
    X,
    encoded,
    fields,
    line,
    parsed,
    renamed,
)


def refused(value, limit=LIMIT):
    record = parsed(value, limit=limit)
    assert isinstance(record, Rejected), record
    return record.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b'{"id":"1","text":"\xff"}', "invalid_utf8"),
        (b'{"data":{"id":"1","text":"a"},"x":"\xed\xa0\x80"}', "invalid_utf8"),
        (b"{", "not_json"),
        (b'{"id":"1","text":"a"} {}', "not_json"),
        (b'\xef\xbb\xbf{"id":"1","text":"a"}', "not_json"),
        (b'{"id":"1","text":"a\nb"}', "not_json"),
        (b'{"data":{"id":"1","text":"a"},"x":NaN}', "not_json"),
        (b'{"id":"1","text":"a","x":-Infinity}', "not_json"),
        (b'{"data":{"id":"1","text":"a"},"x":"\\ud83q"}', "not_json"),
        (b'{"id":"1","text":"a","x":' + b"9" * 100_000 + b"}", "not_json"),
        (b'{"data":{"id":"1","text":"a"},"x":' + b"9" * 100_000 + b"}", "not_json"),
        (b'{"data":{"id":"1","text":"a"},"x":0.' + b"1" * 1000 + b"}", "not_json"),
        (
            b'{"data":{"id":"1","text":"a"},"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "too_deep",
        ),
        (
            b'{"id":"1","text":"a","x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
            "too_deep",
        ),
        (b'{"data":{"id":"1","text":"a"},"x":' + b"[" * 100 + b"]" * 100 + b"}", "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"data":{"id":"1","text":"a"},"' + b"k" * 50_001 + b'":1}', "too_large"),
        (b"null", "not_a_tweet"),
        (b"[]", "not_a_tweet"),
        (b'"text"', "not_a_tweet"),
        (b"{}", "not_a_tweet"),
        (b'{"id":"1"}', "not_a_tweet"),
        (b'{"text":"a"}', "not_a_tweet"),
        (b'{"id":"","text":"a"}', "not_a_tweet"),
        (b'{"id":null,"text":"a"}', "not_a_tweet"),
        (b'{"id":true,"text":"a"}', "not_a_tweet"),
        (b'{"id":"1","text":["a"]}', "not_a_tweet"),
        (b'{"data":[{"id":"1","text":"a"}]}', "not_a_tweet"),
        (b'{"errors":[{"title":"operational-disconnect"}]}', "not_a_tweet"),
        (
            b'{"did":"d","commit":{"operation":"create","collection":"app.bsky.feed.like","rkey":"1"}}',
            "not_a_tweet",
        ),
        (b'{"did":"d","kind":"identity","identity":{}}', "not_a_tweet"),
    ],
)
def test_reasons(value, reason):
    assert refused(value) == reason
    written = line(parse(value, b"\xfe", LIMIT))
    assert list(written) == ["kafka", "key", "reason", "raw"]
    assert base64.b64decode(written["raw"]) == value
    assert written["key"] == "base64:/g=="


def test_size_limit_is_inclusive():
    value = encoded(X)
    assert isinstance(parsed(value, limit=len(value)), Tweet)
    assert refused(value, limit=len(value) - 1) == "too_large"


def test_just_within_the_limits():
    for extra in (
        b"[" * 99 + b"]" * 99,
        b"[" + b"[]," * 5000 + b"[]]",
        b'"' + b"[{" * 5000 + b'"',
        b"9" * 300,
        b'"' + b"9" * 5000 + b'"',
        b'"' + b'\\"' * 60_000 + b'"',
    ):
        assert isinstance(parsed(b'{"data":{"id":"1","text":"a"},"x":' + extra + b"}"), Tweet), (
            extra[:20]
        )


def test_duplicate_keys_last_wins():
    assert parsed(b'{"data":{"id":"1","id":"2","text":"a","text":"b"}}').text == "b"
    assert parsed(b'{"id":"1","id":"2","text":"a"}').id == "2"


@pytest.mark.parametrize("wrap", [b"%s", b'{"data":%s}'])
def test_half_emoji_become_replacement_characters(wrap):
    value = wrap % rb'{"id":"1","text":"\ud83d\ude00 \\ud83d \ud83d, \ude00\ud83d\\"}'
    record = parsed(value)
    assert record.text == "\U0001f600 \\ud83d \ufffd, \ufffd\ufffd\\"
    assert row("t", 0, 0, 0, record).endswith(b'"tweet":' + value + b"}")


def test_whatever_the_bytes_it_never_raises():
    rng = random.Random(20261121)
    seeds = [encoded(value) for value in (X, renamed(X), X["data"], OLD, BLUESKY)]
    seeds += [json.dumps(X, ensure_ascii=False).encode(), b'{"delete":{"status":{"id":1}}}']
    scraps = [
        b"",
        b"null",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"\\",
        b"\\ud83d",
        b"\xff",
        b"\n",
        b"-",
        b"1e999",
        b"9" * 500,
        b"{}",
        b"[1]",
        b'"a"',
    ]
    seen: typing.Counter[str] = typing.Counter()
    for _ in range(20_000):
        value = rng.choice(seeds)
        for _ in range(rng.randrange(1, 4)):
            start = rng.randrange(len(value) + 1)
            value = (
                value[:start]
                + rng.choice(scraps)
                + value[start + rng.choice([0, 0, 1, 1, 2, 10, 400]) :]
            )
        record = parse(value, rng.choice([None, b"1", b"\xff"]), LIMIT)
        written = row("tweets", 0, 1, 2, record, SCORE if isinstance(record, Tweet) else None)
        found = json.loads(written, parse_constant=pytest.fail)
        assert b"\n" not in written
        if isinstance(record, Rejected):
            assert base64.b64decode(found["raw"]) == value
        else:
            assert written.endswith(b'"tweet":' + value.replace(b"\n", b"") + b"}")
        seen[getattr(record, "reason", type(record).__name__)] += 1
    assert {"Tweet", "Deleted", "not_json", "invalid_utf8", "not_a_tweet"} <= seen.keys(), seen
    assert seen["Tweet"] > 1000, seen


def test_mutated_structure_never_raises():
    """The same with valid JSON: any part replaced by any other."""
    rng = random.Random(7)
    strange = [
        None,
        True,
        0,
        -1,
        10**30,
        1.5,
        "",
        "a",
        "2026",
        [],
        {},
        [[]],
        [None],
        {"a": 1},
        [1.0, 2.0],
        "\u2028",
        2**63,
    ]

    def mutate(value):
        if rng.random() < 0.06:
            return rng.choice(strange)
        if isinstance(value, dict):
            return {name: mutate(part) for name, part in value.items() if rng.random() > 0.02}
        return [mutate(part) for part in value] if isinstance(value, list) else value

    kinds = {
        "id": str,
        "likes": int,
        "reposts": int,
        "replies": int,
        "hashtags": list,
        "is_repost": bool,
        "text": str,
    }
    for _ in range(10_000):
        record = parsed(mutate(rng.choice([X, renamed(X), X["data"], OLD, BLUESKY])))
        if isinstance(record, Tweet):
            written = fields(record)
            assert all(type(written[name]) is kind for name, kind in kinds.items()), written
            assert all(0 <= written[name] < 2**63 for name in ("likes", "reposts", "replies"))
            assert (
                (written["lat"] is None)
                == (written["lon"] is None)
                == (written["geo_kind"] is None)
            )
