"""The audit's judgement on an honest output, and on one lie of each kind: a judge that never
convicts is no judge."""

import base64
import json

import pytest

from tests.kit.audit_world import NOW, SCORES, WINDOWS, World, guilty


@pytest.fixture(**WINDOWS)
def world(request):
    return World(request.param)


def test_an_honest_output_is_clean(world):
    verdict = world.verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert not verdict.empty
    assert (verdict.in_kafka, verdict.published, verdict.batches) == (14, 14, 3)
    rows = {"tweets": 10, "deleted": 3, "rejected": 1, "erased": 0}
    assert (verdict.rows, verdict.unjudged) == (rows, 0)


def test_lost(world):
    world.records["tweets", 1][8] = (b"z", b"{}")
    verdict = world.verdict()
    assert guilty(verdict) == {"lost": 1}
    assert verdict.samples["lost"] == ["tweets[1] [8, 9)"]


def test_lost_offset_that_a_manifest_claims(world):
    del world.lines(2)[1]
    # of the file's records, and of the counts
    assert guilty(world.verdict()) == {"lost": 1, "chain_errors": 2}


def test_duplicated_within_a_batch_and_across(world):
    world.lines(0).append(world.lines(0)[0])
    world.lines(2).append(world.lines(0)[1])
    verdict = world.verdict()
    assert verdict.findings["duplicated"] == 2
    assert verdict.samples["duplicated"] == ["tweets[0] 0", "tweets[0] 1"]


def test_a_range_published_twice(world):
    world.publish(("tweets", 0, 2, 4))
    found = guilty(world.verdict())
    assert found == {"duplicated": 2, "chain_errors": 1}


@pytest.mark.parametrize("offset", [8, 11])  # in a gap of the topic, beyond its end
def test_invented(world, offset):
    world.falsify(b'"partition":1,"offset":5', b'"partition":1,"offset":%d' % offset)
    verdict = world.verdict()
    assert verdict.findings["invented"] == 1
    assert verdict.samples["invented"] == [f"tweets[1] {offset}"]
    assert verdict.findings["lost"] == 1


def test_a_row_of_another_topic_is_invented(world):
    world.falsify(
        b'"topic":"tweets","partition":0,"offset":3', b'"topic":"others","partition":0,"offset":3'
    )
    assert guilty(world.verdict()) == {"lost": 1, "invented": 1, "chain_errors": 1}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"id":"3","text":"a"}}', b'{"id":"3","text":"A"}}'),
        (b'{"id":"3","text":"a"}}', b'{"id":"3", "text":"a"}}'),
        (b"%d}" % (NOW + 3), b"%d}" % (NOW + 2)),
        (b'"id":"a"', b'"id":"b"'),
        (b'"id":null', b'"id":""'),
        (b"base64:", b""),
        (base64.b64encode(b"not json\n"), base64.b64encode(b"not json")),
        (b'"7"}}} }', b'"7"}}}}'),
    ],
    ids=[
        "value",
        "space",
        "timestamp",
        "tombstone's key",
        "null key",
        "rejected's key",
        "rejected's value",
        "trailing space",
    ],
)
def test_corrupted(world, old, new):
    if old == b"%d}" % (NOW + 3):
        old, new = (
            b'"partition":0,"offset":3,"timestamp":' + old,
            b'"partition":0,"offset":3,"timestamp":' + new,
        )
    world.falsify(old, new)
    assert guilty(world.verdict()) == {"corrupted": 1}


def test_a_tombstone_row_for_a_null_literal_is_corrupted(world):
    world.records["tweets", 1][5] = (b"a", b"null")
    assert guilty(world.verdict()) == {"corrupted": 1}


def test_a_tweet_without_sentiment_is_corrupted(world):
    line = next(line for line in world.lines(0) if b'"offset":2,' in line)
    at = world.lines(0).index(line)
    world.lines(0)[at] = line.replace(
        b'"sentiment":' + json.dumps(SCORES, separators=(",", ":")).encode(), b'"sentiment":null'
    )
    assert guilty(world.verdict()) == {"corrupted": 1}


def test_unseen(world):
    verdict = world.verdict(unseen=["tweets[0] 77"])
    assert guilty(verdict) == {"unseen": 1}
    assert verdict.samples["unseen"] == ["tweets[0] 77"]


def test_two_wrongs_of_one_length_are_found(world):
    """Number and bytes of the files are as the manifest says; so they are not listed, but they are
    opened."""
    world.batches[0]["lengths"]["tweets/part-9.json.gz"] = world.batches[0]["lengths"].pop(
        "tweets/part-0.json.gz"
    )
    verdict = world.verdict()
    # not readable, its records, the counts
    assert guilty(verdict) == {"lost": 4, "chain_errors": 3}


def test_nothing_to_judge(world):
    world.batches.clear()
    assert world.verdict().empty
    for partition in world.records:
        world.records[partition] = {}
    world.batches.clear()
    assert world.verdict().empty


def shorten_chain(world):
    del world.batches[1]


def lose_manifest(world):
    world.batches[1]["manifest"] = None


def truncate_file(world):
    world.batches[0]["lengths"]["tweets/part-0.json.gz"] = 99


def lose_file(world):
    world.batches[1]["files"].pop("rejected/part-0.json.gz")
    world.batches[1]["lengths"].pop("rejected/part-0.json.gz")


def add_file(world):
    world.batches[1]["files"]["tweets/part-9.json.gz"] = []
    world.batches[1]["lengths"]["tweets/part-9.json.gz"] = 0


def add_folder(world):
    world.batches.append({"name": "0000000/old", "manifest": None, "files": {}, "lengths": {}})


def garble_line(world):
    world.lines(0)[0] = b"{"


LIES = {
    "a batch is gone": (shorten_chain, "should be batch 0000000/0000000001"),
    "no manifest": (lose_manifest, "no _manifest.json"),
    "wrong seq": (lambda world: world.amend(1, seq=7), "seq 7"),
    "another version": (lambda world: world.amend(1, version=3), "version 3"),
    "another output's": (
        lambda world: world.amend(1, identity="another"),
        "it is of the output another",
    ),
    "not a manifest": (
        lambda world: world.amend(1, ranges="all"),
        "_manifest.json is not a manifest",
    ),
    "file too short": (truncate_file, "has 99 bytes"),
    "file gone": (lose_file, "is missing"),
    "file too many": (add_file, "is not in the manifest"),
    "folder too many": (add_folder, "batches/0000000/old"),
    "line is no row": (garble_line, "line 1 is not a row"),
    "wrong record count": (
        lambda world: world.batches[0]["manifest"]["files"][0].update(records=9),
        "the manifest says 9",
    ),
    "wrong counts": (lambda world: world.amend(1, counts={"tweets": 4}), "counts"),
    "row outside ranges": (
        lambda world: world.amend(2, ranges=[("tweets", 0, 4, 9)]),
        "outside the manifest's ranges",
    ),
    "ranges overlap": (lambda world: world.amend(2, ranges=[("tweets", 0, 3, 10)]), "overlap"),
    "empty range": (
        lambda world: world.amend(2, ranges=[("tweets", 0, 4, 10), ("tweets", 0, 10, 10)]),
        "is not a range",
    ),
    "covered too much": (
        lambda world: world.batches[2]["manifest"]["covered"]["tweets"].update({"1": [[5, 11]]}),
        "should be",
    ),
    "covered too little": (
        lambda world: world.batches[2]["manifest"]["covered"]["tweets"].pop("1"),
        "should be",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_chain_errors(world, lie):
    tell, words = LIES[lie]
    tell(world)
    verdict = world.verdict()
    assert any(words in where for where in verdict.samples["chain_errors"]), verdict.samples


def test_a_manifest_exchanged_afterwards_breaks_the_chain(world):
    world.verdict()  # chains them
    world.amend(1, commit_id="another")
    verdict = world.verdict(chained=False)
    assert guilty(verdict) == {"chain_errors": 1}
    assert "0000000002: the manifest before it" in verdict.samples["chain_errors"][0]


def test_samples_are_bounded(world):
    for offset in range(100, 200):
        world.lines(0).append(world.lines(0)[0].replace(b'"offset":0', b'"offset":%d' % offset))
    verdict = world.verdict()
    assert verdict.findings["invented"] == 100
    assert len(verdict.samples["invented"]) == 20


def test_a_row_escaping_its_line_is_caught(world):
    """Whoever writes another key behind `tweet` changes what a reader sees as the tweet."""
    world.falsify(b'{"id":"3","text":"a"}}', b'{"id":"3","text":"a"},"id":"4"}')
    assert guilty(world.verdict()) == {"corrupted": 1}


def test_half_a_surrogate_pair_is_judged_like_any_tweet(world):
    world.records["tweets", 0][3] = (b"k3", b'{"id":"3","text":"\\ud83d"}')
    world.batches.clear()
    for span in (("tweets", 0, 0, 10), ("tweets", 1, 5, 10)):
        world.publish(*[span])
    assert guilty(world.verdict()) == {}
    world.falsify(b"ud83d", b"ud83c")
    assert guilty(world.verdict()) == {"corrupted": 1}
