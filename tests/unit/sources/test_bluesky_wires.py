"""One event, two wires: the live source, the replay of what was kept, and the jobs make the same of
both."""

import json

import pytest

from consumers.tweets.parse import Deleted, Rejected, Tweet, parse, row
from local.stub_servers.jetstream_log import POSTS, Log
from producer.sources.bluesky.jetstream import Event, event_of
from producer.sources.identity import record_of

LIMIT = 1_048_576


@pytest.fixture(scope="module")
def log() -> Log:
    own = Log(1)
    for number in range(100):
        own.add(number)
    return own


def test_the_topic_has_the_same_keys_whichever_wire_it_was(log: Log) -> None:
    for event in log.events:
        if event.old:
            old, new = event_of(event.old.encode(), "v1"), event_of(event.new.encode(), "v2")
            ours = event.collection == POSTS or (event.kind == "account" and event.deletes)
            assert isinstance(old, Event) == isinstance(new, Event) == ours
            if isinstance(old, Event) and isinstance(new, Event):
                assert (old.name, old.time_us, old.record.id) == (
                    new.name,
                    new.time_us,
                    new.record.id,
                )
                assert (old.record.value is None, new.record.value is None) == (
                    event.deletes,
                    event.deletes,
                )
                assert record_of(event.old.encode()) == old.record, (
                    "replay takes what was kept for the same"
                )
                assert record_of(event.new.encode()) == new.record


def test_the_jobs_write_the_same_row(log: Log) -> None:
    posts = [event for event in log.events if event.collection == POSTS and not event.deletes]
    assert len(posts) > 50
    for event in posts:
        rows = []
        for frame in (event.old, event.new):
            tweet = parse(frame.encode(), event.key.encode(), LIMIT)
            assert isinstance(tweet, Tweet)
            fields = json.loads(row("tweets", 0, 0, 0, tweet))
            assert fields.pop("tweet") == json.loads(frame)
            rows.append(fields)
        assert rows[0] == rows[1]
        assert (rows[0]["id"], rows[0]["source"]) == (event.key, "bluesky")


def test_a_time_that_is_not_believable_is_the_servers(log: Log) -> None:
    frame = json.loads(log.events[0].new)
    frame["payload"]["record"]["createdAt"] = "2999-01-01T00:00:00Z"
    for name in ("witnessedAt", "time"):  # older servers do not have the first
        tweet = parse(json.dumps(frame).encode(), b"k", LIMIT)
        assert isinstance(tweet, Tweet) and tweet.created_at == frame["payload"]["time"][:23] + "Z"
        frame["payload"].pop(name)
    assert isinstance(parse(json.dumps(frame).encode(), b"k", LIMIT), Tweet)


def test_an_account_s_tombstone_is_a_deletion_whose_id_is_the_did() -> None:
    deleted = parse(None, b"did:plc:invented1", LIMIT)
    assert isinstance(deleted, Deleted)
    assert json.loads(row("tweets", 0, 0, 0, deleted)) == {
        "kafka": {"topic": "tweets", "partition": 0, "offset": 0, "timestamp": 0},
        "id": "did:plc:invented1", "deleted": True, "tweet": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        '"text"',
        "[]",
        "{}",
        '{"did": 5}',
        '{"collection": "app.bsky.feed.like", "did": "d", "rkey": "r"}',
    ],
)
def test_other_payloads_are_no_tweets(payload: str) -> None:
    found = parse(f'{{"$type": "message", "payload": {payload}}}'.encode(), b"k", LIMIT)
    assert isinstance(found, Rejected) and found.reason == "not_a_tweet"
