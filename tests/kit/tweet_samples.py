"""An invented tweet of each shape, the fields its row must have, and how the tests look at a
row."""

import json
from copy import deepcopy

from consumers.sentiment import Sentiment
from consumers.tweets.parse import parse, row

LIMIT = 1_048_576
SCORE = Sentiment(0.5, 0.0, 0.4, 0.6, "positive")

X = {
    "data": {
        "id": "1860000000000000001",
        "text": "A long coffee…",
        "note_tweet": {"text": "A long coffee and a longer queue #coffee"},
        "created_at": "2026-11-21T09:00:00.120Z",
        "lang": "en",
        "author_id": "42",
        "edit_history_tweet_ids": ["1860000000000000001"],
        "public_metrics": {
            "retweet_count": 3,
            "reply_count": 1,
            "like_count": 12,
            "quote_count": 0,
        },
        "entities": {
            "hashtags": [
                {"start": 1, "end": 8, "tag": "coffee"},
                {"start": 9, "end": 12, "tag": "日本"},
            ]
        },
        "referenced_tweets": [{"type": "quoted", "id": "6"}, {"type": "replied_to", "id": "5"}],
        "geo": {"place_id": "p2"},
    },
    "includes": {
        "users": [
            {"id": "41", "username": "other"},
            {"id": "42", "username": "jane", "name": "Jane"},
        ],
        "places": [
            {"id": "p1", "full_name": "Elsewhere", "country_code": "DE"},
            {
                "id": "p2",
                "full_name": "Fiji",
                "country": "Fiji",
                "country_code": "FJ",
                "geo": {"bbox": [177.0, -19.0, -179.0, -17.0]},
            },
        ],
    },
    "matching_rules": [{"id": "1", "tag": "coffee"}],
}
X_FIELDS = {
    "id": "1860000000000000001",
    "source": "x",
    "created_at": "2026-11-21T09:00:00.120Z",
    "lang": "en",
    "author_id": "42",
    "author": "jane",
    "likes": 12,
    "reposts": 3,
    "replies": 1,
    "hashtags": ["coffee", "日本"],
    "lat": -18.0,
    "lon": 179.0,
    "geo_kind": "place",
    "country": "FJ",
    "place": "Fiji",
    "is_repost": False,
    "reply_to": "5",
    "text": "A long coffee and a longer queue #coffee",
}
REPOST = {
    "data": {
        **{
            name: X["data"][name]
            for name in ("id", "created_at", "lang", "author_id", "public_metrics")
        },
        "text": "RT @other: A long coffee and…",
        "referenced_tweets": [{"type": "retweeted", "id": "6"}],
    },
    "includes": {
        "users": X["includes"]["users"],
        "tweets": [
            {"id": "5", "text": "Something else."},
            {
                "id": "6",
                "text": "A long coffee and a longer…",
                "note_tweet": {"text": "A long coffee and a longer queue, awful #coffee"},
                "entities": {"hashtags": [{"start": 1, "end": 8, "tag": "coffee"}]},
            },
        ],
    },
    "matching_rules": [],
}
NEW_NAMES = {
    "note_tweet": "note_post",
    "referenced_tweets": "referenced_posts",
    "edit_history_tweet_ids": "edit_history_post_ids",
    "retweet_count": "repost_count",
}
OLD = {
    "id": 600000000000000001,
    "id_str": "600000000000000001",
    "created_at": "Sat Apr 25 16:19:03 +0000 2015",
    "text": "RT @a: short…",
    "truncated": True,
    "extended_tweet": {
        "full_text": "the full text #one",
        "entities": {"hashtags": [{"text": "one"}]},
    },
    "entities": {"hashtags": []},
    "lang": "de",
    "user": {"id": 7, "id_str": "7", "screen_name": "bob"},
    "favorite_count": 4,
    "retweet_count": 5,
    "reply_count": 6,
    "coordinates": {"type": "Point", "coordinates": [13.4, 52.5]},
    "geo": {"type": "Point", "coordinates": [52.5, 13.4]},
    "place": {
        "full_name": "Berlin",
        "country": "Deutschland",
        "country_code": "DE",
        "bounding_box": {
            "type": "Polygon",
            "coordinates": [[[13.0, 52.0], [14.0, 52.0], [14.0, 53.0], [13.0, 53.0]]],
        },
    },
    "retweeted_status": {"id_str": "1", "text": "short"},
    "in_reply_to_status_id_str": "9",
    "in_reply_to_status_id": 9,
}
OLD_FIELDS = {
    "id": "600000000000000001",
    "source": "x",
    "created_at": "2015-04-25T16:19:03.000Z",
    "lang": "de",
    "author_id": "7",
    "author": "bob",
    "likes": 4,
    "reposts": 5,
    "replies": 6,
    "hashtags": ["one"],
    "lat": 52.5,
    "lon": 13.4,
    "geo_kind": "point",
    "country": "DE",
    "place": "Berlin",
    "is_repost": True,
    "reply_to": "9",
    "text": "the full text #one",
}
POST_TEXT = "日本 #coffee"
BLUESKY = {
    "did": "did:plc:abc",
    "time_us": 1_790_000_000_500_000,
    "kind": "commit",
    "commit": {
        "rev": "r",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3k",
        "cid": "c",
        "record": {
            "$type": "app.bsky.feed.post",
            "text": POST_TEXT,
            "createdAt": "2026-09-21T14:13:20.250Z",
            "langs": ["ja", "en"],
            "facets": [
                {
                    "index": {"byteStart": 7, "byteEnd": 14},
                    "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "coffee"}],
                },
                {
                    "index": {"byteStart": 7, "byteEnd": 14},
                    "features": [{"$type": "app.bsky.richtext.facet#tag"}],
                },
                {
                    "index": {"byteStart": 0, "byteEnd": 6},
                    "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "x"}],
                },
            ],
            "reply": {
                "parent": {"uri": "at://did:plc:xyz/app.bsky.feed.post/3j", "cid": "c"},
                "root": {"uri": "at://r"},
            },
        },
    },
}
BLUESKY_FIELDS = {
    "id": "did:plc:abc/3k",
    "source": "bluesky",
    "created_at": "2026-09-21T14:13:20.250Z",
    "lang": "ja",
    "author_id": "did:plc:abc",
    "author": None,
    "likes": 0,
    "reposts": 0,
    "replies": 0,
    "hashtags": ["coffee", "coffee"],
    "lat": None,
    "lon": None,
    "geo_kind": None,
    "country": None,
    "place": None,
    "is_repost": False,
    "reply_to": "did:plc:xyz/3j",
    "text": POST_TEXT,
}


def renamed(value):
    if isinstance(value, dict):
        return {NEW_NAMES.get(name, name): renamed(part) for name, part in value.items()}
    return [renamed(part) for part in value] if isinstance(value, list) else value


def encoded(value) -> bytes:
    return json.dumps(value).encode()


def changed(value, **parts):
    return {**deepcopy(value), **parts}


def parsed(value, key=None, limit=LIMIT):
    return parse(value if isinstance(value, bytes) else encoded(value), key, limit)


def line(record, sentiment=None) -> dict:
    written = row("tweets", 2, 1842, 1_763_700_000_000, record, sentiment)
    assert b"\n" not in written
    assert b"\r" not in written
    return json.loads(written)


def fields(record) -> dict:
    written = line(record, SCORE)
    assert list(written)[0] == "kafka"
    assert list(written)[-2:] == ["sentiment", "tweet"]
    return {
        name: part for name, part in written.items() if name not in ("kafka", "sentiment", "tweet")
    }
