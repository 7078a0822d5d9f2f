"""The audit where Kafka no longer has everything, and where only a part of the output is judged."""

import hashlib

import pytest

from tests.kit.audit_world import WINDOWS, World, guilty


@pytest.fixture(**WINDOWS)
def world(request):
    return World(request.param)


def test_a_row_below_the_beginning_is_not_judged(world):
    del world.records["tweets", 0][0]
    verdict = world.verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert (verdict.unjudged, verdict.in_kafka, verdict.published) == (1, 13, 14)


def test_what_came_and_was_published_since_the_start_is_judged(world):
    beginning = world.ends.copy()
    world.records["tweets", 0][10] = (b"k10", b"{}")
    world.publish(("tweets", 0, 10, 11))
    world.asked = lambda: world.ends.update({("tweets", 0): 11})
    verdict = world.verdict()
    assert (guilty(verdict), verdict.unjudged) == ({}, 0), verdict.samples
    world.falsify(b'"offset":10,"timestamp":', b'"offset":10,"timestamp":1')
    world.ends = beginning
    assert guilty(world.verdict()) == {"corrupted": 1}


def test_retention_between_the_start_and_the_reading(world):
    """The records are there when the bounds are asked for, and gone when they are read."""
    world.asked = lambda: world.beginnings.update({("tweets", 0): 3, ("tweets", 1): 9})
    verdict = world.verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert verdict.unjudged == 3 + 3


def test_what_compaction_removed_is_not_judged(world):
    for offset in (1, 3, 8):
        del world.records["tweets", 0][offset]
    world.compact = True
    verdict = world.verdict()
    assert guilty(verdict) == {}, verdict.samples
    assert verdict.unjudged == 3
    world.compact = False
    assert guilty(world.verdict()) == {"invented": 3}


def test_compaction_excuses_nothing_else(world):
    world.compact = True
    world.falsify(b'{"id":"3","text":"a"}}', b'{"id":"3","text":"A"}}')
    world.falsify(b'"partition":1,"offset":5', b'"partition":1,"offset":11')  # beyond the end
    assert guilty(world.verdict()) == {"corrupted": 1, "invented": 1, "lost": 1, "chain_errors": 1}


def test_the_ledger_knows_what_compaction_removed(world):
    world.compact = True
    world.known = {
        ("tweets", 0, 1): hashlib.sha256(b'{"id":"1","text":"a"}').hexdigest(),
        ("tweets", 1, 5): None,
    }
    world.known["tweets", 1, 6] = hashlib.sha256(b"not json\n").hexdigest()
    world.known["tweets", 0, 3] = hashlib.sha256(b"another").hexdigest()
    for partition, offset in ((0, 1), (0, 2), (0, 3), (1, 5), (1, 6)):
        del world.records["tweets", partition][offset]
    world.beginnings["tweets", 1] = 5
    verdict = world.verdict()
    assert (guilty(verdict), verdict.unjudged) == ({}, 2), verdict.samples


def test_a_partition_alone(world):
    world.records["tweets", 1][8] = (b"z", b"{}")
    other = [("tweets", 0)]
    verdict = world.verdict(skipped=[("tweets", 1)])
    assert (guilty(verdict), verdict.in_kafka, verdict.published, verdict.batches) == (
        {},
        10,
        10,
        3,
    )
    assert {name for name, _ in world.opened} == {"0000000/0000000000", "0000000/0000000002"}
    verdict = world.verdict(skipped=other)
    assert (guilty(verdict), verdict.in_kafka, verdict.published) == ({"lost": 1}, 5, 4)
    world.falsify(
        b'"topic":"tweets","partition":0,"offset":3', b'"topic":"others","partition":0,"offset":3'
    )
    assert guilty(world.verdict(skipped=[("tweets", 1)])) == {
        "lost": 1,
        "invented": 1,
        "chain_errors": 1,
    }


def test_some_batches_alone(world):
    world.records["tweets", 0][8] = (b"k8", b"another")
    world.records["tweets", 1][8] = (b"z", b"{}")
    world.ends["tweets", 0] = 12
    world.records["tweets", 0][11] = (b"k11", b"{}")
    verdict = world.verdict(until=1)
    assert (guilty(verdict), verdict.in_kafka, verdict.published, verdict.batches) == ({}, 4, 4, 1)
    verdict = world.verdict(first=1, until=2)
    assert (guilty(verdict), verdict.in_kafka, verdict.published) == ({"lost": 1}, 5, 4)
    # The last slice knows what is covered, so it finds what no batch claims.
    verdict = world.verdict(first=2)
    assert guilty(verdict) == {"lost": 1, "corrupted": 1}
    assert verdict.samples["lost"] == ["tweets[0] [11, 12)"]


def test_a_slice_holds_its_first_batch_against_the_one_before(world):
    world.publish(("tweets", 0, 2, 4))
    assert guilty(world.verdict(first=3)) == {"duplicated": 2, "chain_errors": 1}
    world.verdict()  # chains them
    world.amend(1, commit_id="another")
    assert guilty(world.verdict(chained=False, first=3)) == {"duplicated": 2, "chain_errors": 1}
    assert guilty(world.verdict(chained=False, first=2)) == {"duplicated": 2, "chain_errors": 2}
    world.amend(2, identity="another")
    assert guilty(world.verdict(first=3)) == {"duplicated": 2, "chain_errors": 2}


def test_a_ledger_that_is_being_written(tmp_path):
    from audit.topics import CannotTell, ledger

    file = tmp_path / "ledger"
    whole = '{"topic":"t","partition":0,"offset":1,"key":"1","sha256":"ab"}\n'
    file.write_text(whole + '{"topic":"t","part')
    assert ledger(str(file)) == {("t", 0, 1): "ab"}
    file.write_text(whole + '{"topic":"t"}\n')
    with pytest.raises(CannotTell, match="line 2 of"):
        ledger(str(file))
