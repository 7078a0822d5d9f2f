"""What both jobs make of a topic's transactions and of its many partitions."""

from itertools import islice
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from producer.sources.sample import sample
from tests.conftest import Services
from tests.kit.jobs import RECEIVER_AT_LEAST, audit, manifests, new_topic, publish, rows, run_job

Offsets = set[tuple[int, int]]


class Transactions:
    """A transactional producer of invented tweets."""

    def __init__(self, services: Services, topic: str, name: str) -> None:
        self.topic = topic
        self.producer = KafkaProducer(
            bootstrap_servers=services.bootstrap, transactional_id=f"{topic}-{name}"
        )
        self.producer.init_transactions()

    def send(self, count: int, seed: int) -> Offsets:
        """Begin a transaction of this many tweets; (partition, offset) of each."""
        self.producer.begin_transaction()
        tweets = list(islice(sample(seed), count))
        sent = [
            self.producer.send(self.topic, tweet.value, partition=n % 3)
            for n, tweet in enumerate(tweets)
        ]
        self.producer.flush()
        return {(at.partition, at.offset) for at in (future.get(30) for future in sent)}


def published(services: Services, output: str) -> list[tuple[int, int]]:
    """Partition and offset of every published line."""
    found = [
        row["kafka"] for kind in ("tweets", "rejected") for row in rows(services, output, kind)
    ]
    return sorted((at["partition"], at["offset"]) for at in found)


@pytest.mark.parametrize("approach", RECEIVER_AT_LEAST)
def test_records_of_aborted_and_open_transactions_are_not_published(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    one, other = Transactions(services, topic, "one"), Transactions(services, topic, "other")
    wanted: Offsets = set()
    for seed, end in enumerate((one.producer.commit_transaction, one.producer.abort_transaction)):
        offsets = one.send(30, seed)
        wanted |= offsets if end == one.producer.commit_transaction else set()
        end()
    still_open = other.send(30, 2)
    one.send(30, 3)  # behind the open one, and aborted
    one.producer.abort_transaction()

    run_job(services, tmp_path, approach, topic, output)
    assert published(services, output) == sorted(wanted)

    other.producer.commit_transaction()
    run_job(services, tmp_path, approach, topic, output)
    assert published(services, output) == sorted(wanted | still_open)
    last = manifests(services, output)[-1]["covered"][topic]
    run_job(services, tmp_path, approach, topic, output)
    assert manifests(services, output)[-1]["covered"][topic] == last, (
        "nothing counts as lost, and nothing is left"
    )
    for transactions in (one, other):
        transactions.producer.close()


def test_many_partitions_make_few_files_and_empty_ones_make_none(
    services: Services, admin: KafkaAdminClient, output: str, tmp_path: Path
) -> None:
    topic = new_topic(admin, 60)
    publish(services, topic, 1)
    run_job(services, tmp_path, "direct", topic, output)
    assert [len(manifest["files"]) for manifest in manifests(services, output)] == [1]
    publish(services, topic, 600, "--seed", "2")
    run_job(services, tmp_path, "direct", topic, output)
    for manifest in manifests(services, output)[1:]:
        assert 1 <= len(manifest["files"]) <= 12, (
            "at most two kinds of files for each of two tasks a core"
        )
    assert audit(services, topic, output)["published"] == 601
