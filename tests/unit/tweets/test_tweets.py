"""From a tweet's bytes to the fields of its row, for each shape."""

from copy import deepcopy

import pytest

from consumers.tweets import SCHEMA
from consumers.tweets.parse import Deleted, Tweet, parse, row
from tests.kit.tweet_samples import (
    BLUESKY,
    BLUESKY_FIELDS,
    LIMIT,
    OLD,
    OLD_FIELDS,
    REPOST,
    SCORE,
    X_FIELDS,
    X,
    changed,
    fields,
    line,
    parsed,
    renamed,
)


def test_a_repost_has_the_whole_text_where_it_came_with_it():
    for value in (REPOST, renamed(REPOST)):
        found = fields(parsed(value))
        assert (found["text"], found["hashtags"]) == (
            "A long coffee and a longer queue, awful #coffee",
            ["coffee"],
        )
        assert (found["is_repost"], found["author"], found["id"]) == (
            True,
            "jane",
            REPOST["data"]["id"],
        )
    short = deepcopy(REPOST)
    del short["includes"]["tweets"][1]["note_tweet"]
    assert fields(parsed(short))["text"] == "A long coffee and a longer…"
    del short["includes"]["tweets"][1]
    assert fields(parsed(short))["text"] == "RT @other: A long coffee and…", "it is all there is"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (X, X_FIELDS),
        (renamed(X), X_FIELDS),
        (
            X["data"],
            X_FIELDS | dict.fromkeys(["author", "lat", "lon", "geo_kind", "country", "place"]),
        ),
        (OLD, OLD_FIELDS),
        (BLUESKY, BLUESKY_FIELDS),
    ],
    ids=["x v2", "x v2, new names", "x v2, bare", "x v1.1", "bluesky"],
)
def test_fields_of_each_shape(value, wanted):
    assert fields(parsed(value)) == wanted
    assert list(fields(parsed(value))) == list(wanted)


def test_a_row_has_coordinates_sentiment_and_the_tweet_as_received():
    value = b' {"text" : "a\\nb",\r\n\t"id":"1",\n"x": 1.50, "x":[ ] } '
    written = row("tweets", 2, 1842, 1_763_700_000_000, parsed(value), SCORE)
    assert written.startswith(
        b'{"kafka":{"topic":"tweets","partition":2,"offset":1842,"timestamp":1763700000000},"id":"1",'
    )
    assert written.endswith(
        b'"sentiment":{"compound":0.5,"neg":0.0,"neu":0.4,"pos":0.6,"label":"positive"},'
        b'"tweet": {"text" : "a\\nb",\t"id":"1","x": 1.50, "x":[ ] } }'
    )


def test_only_id_and_text_are_needed():
    wanted = dict.fromkeys(X_FIELDS) | {
        "id": "1",
        "source": "x",
        "text": "",
        "likes": 0,
        "reposts": 0,
        "replies": 0,
    }
    wanted |= {"hashtags": [], "is_repost": False}
    for value in (
        {"id": "1", "text": ""},
        {"data": {"id": "1", "text": ""}},
        {"id": 1, "text": ""},
        {"id_str": "1", "full_text": ""},
    ):
        assert fields(parsed(value)) == wanted


def test_a_wrong_part_counts_as_missing_and_spares_the_rest():
    value = deepcopy(X)
    value["data"].update(
        created_at="yesterday",
        public_metrics={"like_count": -1, "reply_count": 2, "retweet_count": 10**30},
    )
    value["data"].update(
        entities=[], lang=5, geo={"place_id": "p2", "coordinates": {"coordinates": [200.0, 1e308]}}
    )
    wanted = {
        "created_at": None,
        "likes": 0,
        "replies": 2,
        "reposts": 0,
        "hashtags": [],
        "lang": None,
    }
    assert fields(parsed(value)) == X_FIELDS | wanted
    assert fields(
        parsed(changed(OLD, coordinates=None, place="Berlin", user=None))
    ) == OLD_FIELDS | {
        "place": None,
        "country": None,
        "author": None,
        "author_id": None,
    }
    for part in ({"id": "42"}, [{"id": 42}], "42"):
        assert fields(
            parsed(changed(X, includes={"users": part, "places": part}))
        ) == X_FIELDS | dict.fromkeys(("author", "lat", "lon", "geo_kind", "country", "place"))


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ({"type": "retweeted", "id": "5"}, (True, None)),
        ({"type": "reposted", "id": "5"}, (True, None)),
        ({"type": "replied_to", "id": "5"}, (False, "5")),
    ],
)
def test_references(parts, wanted):
    record = parsed({"id": "1", "text": "a", "referenced_posts": [parts]})
    assert (record.is_repost, record.reply_to) == wanted


def test_positions():
    point = {"type": "Point", "coordinates": [-73.99, 40.73]}
    record = parsed({"data": {"id": "1", "text": "a", "geo": {"coordinates": point}}})
    assert (record.lat, record.lon, record.geo_kind) == (40.73, -73.99, "point")
    record = parsed(changed(OLD, coordinates=None))
    assert (record.lat, record.lon, record.geo_kind) == (52.5, 13.4, "point")
    record = parsed(changed(OLD, coordinates=None, geo=None))
    assert (record.lat, record.lon, record.geo_kind) == (52.5, 13.5, "place")
    record = parsed(changed(OLD, coordinates=None, geo=None, place=None))
    assert (record.lat, record.lon, record.geo_kind) == (None, None, None)


@pytest.mark.parametrize(
    ("created", "wanted"),
    [
        ("2026-09-21T16:13:20.25+02:00", "2026-09-21T14:13:20.250Z"),
        ("2026-09-21T14:13:20", "2026-09-21T14:13:20.000Z"),
        ("2031-01-01T00:00:00Z", "2026-09-21T14:13:20.500Z"),
        ("1970-01-01T00:00:00Z", "2026-09-21T14:13:20.500Z"),
        ("0001-01-01T00:00:00+14:00", "2026-09-21T14:13:20.500Z"),
        ("soon", "2026-09-21T14:13:20.500Z"),
        (None, "2026-09-21T14:13:20.500Z"),
    ],
)
def test_bluesky_times_are_held_against_the_servers_clock(created, wanted):
    value = deepcopy(BLUESKY)
    value["commit"]["record"]["createdAt"] = created
    assert parsed(value).created_at == wanted


@pytest.mark.parametrize(
    "created", ["Sat Apr 25 18:19:03 +0200 2015", "Sat Apr 25 16:19:03 +0000 2015"]
)
def test_old_times(created):
    assert parsed(changed(OLD, created_at=created)).created_at == "2015-04-25T16:19:03.000Z"


def test_tombstones():
    assert line(parse(None, b"77", LIMIT)) == {
        "kafka": {
            "topic": "tweets",
            "partition": 2,
            "offset": 1842,
            "timestamp": 1_763_700_000_000,
        },
        "id": "77",
        "deleted": True,
        "tweet": None,
    }
    assert line(parse(None, None, LIMIT))["id"] is None
    assert line(parse(None, b"\xff", LIMIT))["id"] == "base64:/w=="


def test_delete_notices_keep_their_bytes():
    bluesky = deepcopy(BLUESKY)
    bluesky["commit"] = {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": "3k"}
    for value, tweet_id in (
        (
            {"delete": {"status": {"id": 12, "id_str": "12", "user_id": 3}, "timestamp_ms": "1"}},
            "12",
        ),
        ({"delete": {"status": {"id": 12}}}, "12"),
        (bluesky, "did:plc:abc/3k"),
    ):
        record = parsed(value)
        assert isinstance(record, Deleted)
        assert line(record)["id"] == tweet_id
        assert line(record)["tweet"] == value
        assert list(line(record))[-1] == "tweet"


def test_schema_names_the_columns_in_order():
    columns = [part.split(" ")[0] for part in SCHEMA.replace("struct<", "<").split(", ")]
    outside, depth = [], 0
    for part, name in zip(SCHEMA.split(", "), columns, strict=True):
        if depth == 0:
            outside.append(name)
        depth += part.count("<") - part.count(">")
    assert set(outside) == set(Tweet.__struct_fields__) | {"deleted"}
