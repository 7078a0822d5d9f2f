"""Records that Kafka will never take: set aside and counted, and the others are on the topic, once."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import Services
from tests.producing import produce, published


@pytest.fixture
def compacted(admin: KafkaAdminClient, topic: str) -> Iterator[str]:
    """A compacted topic of the test's own with 3 partitions: it takes no record without a key."""
    name = f"{topic}-compacted"
    configs = {"cleanup.policy": "compact"}
    admin.create_topics({name: {"num_partitions": 3, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
    yield name
    admin.delete_topics([name], raise_errors=False)


def lines(count: int) -> tuple[list[bytes], set[int]]:
    """So many tweets, and which of them have no id."""
    without = {n for n in range(count) if n % 97 == 13}
    return [b'{"text":"%d"}' % n if n in without else b'{"id":"%d","text":"x"}' % n for n in range(count)], without


def set_aside(spool: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (spool / "rejected.jsonl").read_text().splitlines()]


def test_records_without_a_key_do_not_block_a_compacted_topic(services: Services, compacted: str, tmp_path: Path) -> None:
    values, without = lines(2000)
    flags = ("--source", "replay", "--file", "-", "--topic", compacted, "--spool", str(tmp_path / "spool"))
    out, err = produce(services, *flags, stdin=b"\n".join(values))
    report = json.loads(out)
    assert (report["acked"], report["rejected"]) == (2000 - len(without), len(without))
    assert (report["failed"], report["spooled"], report["stopped_by"]) == (0, 0, "end")
    times = Counter(published(services, compacted).values())
    assert times == Counter((b"%d" % n, values[n]) for n in range(2000) if n not in without), "all others, each once"
    aside = set_aside(tmp_path / "spool")
    assert [base64.b64decode(line["raw"]) for line in aside] == [values[n] for n in sorted(without)]
    assert {(line["topic"], line["key"]) for line in aside} == {(compacted, None)}
    assert all(line["reason"] and line["reason"] in err for line in aside)
    out, _ = produce(services, *flags, stdin=b'{"id":"a"}')
    assert (json.loads(out)["from_spool"], json.loads(out)["acked"]) == (0, 1), "what was set aside is done with"


def test_without_a_spool_they_are_named(services: Services, compacted: str) -> None:
    values, without = lines(300)
    out, err = produce(services, "--source", "replay", "--file", "-", "--topic", compacted, stdin=b"\n".join(values))
    report = json.loads(out)
    assert (report["acked"], report["rejected"], report["failed"]) == (300 - len(without), len(without), 0)
    assert err.count("rejected: a record of") == len(without)
