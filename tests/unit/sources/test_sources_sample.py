"""Sample: invented tweets that look like X's, the same for the same seed."""

import hashlib
import json
from itertools import islice
from typing import Any

import pytest

from producer.sources import Record
from producer.sources.identity import record_of
from producer.sources.sample import sample

COUNT = 5_000


@pytest.fixture(scope="module")
def tweets() -> list[dict[str, Any]]:
    return [json.loads(value or b"") for _, value, _ in islice(sample(seed=1), COUNT)]


def digest(seed: int) -> str:
    return hashlib.sha256(
        b"".join(value or b"" for _, value, _ in islice(sample(seed, 0.05), 1_000))
    ).hexdigest()


def test_same_seed_same_bytes() -> None:
    assert digest(1) == digest(1) != digest(2)


def test_keys_are_the_ids_and_increase() -> None:
    records = list(islice(sample(seed=3), COUNT))
    ids = [int(id or "") for id, *_ in records]
    assert ids == sorted(set(ids))
    assert all(record_of(value or b"") == Record(id, value) for id, value, _ in records)


def test_sizes_are_those_of_real_tweets(tweets: list[dict[str, Any]]) -> None:
    average = sum(len(value or b"") for _, value, _ in islice(sample(seed=1), COUNT)) / COUNT
    assert 1_000 < average < 1_300
    lengths = [len(tweet["data"]["text"]) for tweet in tweets]
    assert max(lengths) <= 280
    assert sum(length >= 105 for length in lengths) > 0.9 * COUNT
    assert (
        1_000
        < max(len(tweet["data"].get("note_tweet", {}).get("text", "")) for tweet in tweets)
        <= 4_000
    )


def test_variety(tweets: list[dict[str, Any]]) -> None:
    data = [tweet["data"] for tweet in tweets]
    assert {"en", "ar", "he", "ja", "zh", "hi", "th", "ru"} <= {tweet["lang"] for tweet in data}
    kinds = {
        reference["type"] for tweet in data for reference in tweet.get("referenced_tweets", [])
    }
    assert kinds == {"replied_to", "retweeted", "quoted"}
    assert any("👩‍👩‍👧‍👦" in tweet["text"] for tweet in data)


def test_entities_point_at_what_they_name(tweets: list[dict[str, Any]]) -> None:
    for data in (tweet["data"] for tweet in tweets):
        entities = data.get("entities", {})
        for name, mark in (("hashtags", "#"), ("mentions", "@"), ("urls", "")):
            for entity in entities.get(name, []):
                named = mark + (entity.get("tag") or entity.get("username") or entity.get("url"))
                assert data["text"][entity["start"] : entity["end"]] == named


def test_points_lie_in_their_places(tweets: list[dict[str, Any]]) -> None:
    points = [tweet for tweet in tweets if "coordinates" in tweet["data"].get("geo", {})]
    assert points
    for tweet in points:
        longitude, latitude = tweet["data"]["geo"]["coordinates"]["coordinates"]
        (place,) = tweet["includes"]["places"]
        west, south, east, north = place["geo"]["bbox"]
        assert place["id"] == tweet["data"]["geo"]["place_id"]
        assert west <= longitude <= east and south <= latitude <= north


def test_every_tweet_brings_its_author(tweets: list[dict[str, Any]]) -> None:
    assert all(
        [user["id"] for user in tweet["includes"]["users"]] == [tweet["data"]["author_id"]]
        for tweet in tweets
    )


def test_malformed_share_and_kinds() -> None:
    records = list(islice(sample(seed=1, malformed=0.05), COUNT))
    tombstones = [id for id, value, _ in records if value is None]
    values = [value for _, value, _ in records if value is not None]
    good = [value for value in values if readable(value)]
    assert 0.03 < 1 - len(good) / COUNT < 0.07
    assert tombstones and all(tombstones)
    assert {b"", b"this is not JSON", b"42", b"null"} <= set(values)
    assert any(value.startswith(b"[" * 100_000) for value in values)
    assert any(b"\xff\xfe" in value for value in values)


def readable(value: bytes) -> bool:
    try:
        return "text" in json.loads(value)["data"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return False
