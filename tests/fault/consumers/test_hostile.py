"""The hostile corpus through both jobs, with the memory they have by default, while honest tweets
flow.

Every record becomes a bounded row or a rejected one, no process dies, and the audit is clean.
"""

import gzip
import json
import re
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.conftest import Services
from tests.kit import hostile, jobs
from tests.kit.jobs import APPROACHES, Job, audit, batches, published_records, started
from tests.kit.producing import running

HONEST = 1200
# a worker has one task's frame at a time; the driver's JVM has 1 GB of heap
WORKER_MB, DRIVER_MB = 700, 1800
CONSTANT = 4096


@pytest.fixture
def open_topic(admin: KafkaAdminClient) -> Iterator[str]:
    """A topic with one partition that takes any timestamp and keeps what is old; removed at the
    end, for its size."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    configs = {**hostile.ANY_TIMESTAMP, "retention.ms": "-1"}
    admin.create_topics(
        {name: {"num_partitions": 1, "replication_factor": 1, "configs": configs}},
        wait_for_metadata=True,
    )
    yield name
    admin.delete_topics([name], raise_errors=False)


def attack(services: Services, topic: str, headers: int, zeros: int) -> int:
    """All of the corpus onto partition 0; returns how many records it is."""
    odd = list(hostile.odd())
    hundreds = [min(100, headers - sent) for sent in range(0, headers, 100)]
    packs = [hostile.batch([record]) for record in odd]
    packs += [hostile.batch(hostile.headers(size), compressed=True) for size in hundreds]
    packs += [hostile.batch(hostile.headers(1)) for _ in range(30)]
    packs += [hostile.batch(hostile.zeros(zeros), compressed=True)]
    hostile.send(services.bootstrap, topic, 0, packs)
    return len(odd) + headers + 30 + zeros


def endured(
    services: Services,
    folder: Path,
    approach: str,
    topic: str,
    output: str,
    headers: int,
    zeros: int,
) -> None:
    with started(services, folder, approach, topic, output) as job:
        job.until(lambda: "next batch" in job.said(), 120, "the job reads")
        producer = running(
            services,
            "--source",
            "sample",
            "--topic",
            topic,
            "--max-posts",
            str(HONEST),
            "--rate",
            "60",
        )
        expected = attack(services, topic, headers, zeros) + HONEST
        workers: dict[int, int] = {}

        def all_published() -> bool:
            workers.update({pid: peak_mb(pid) for pid in job.workers() if alive(pid)})
            assert job.process.poll() is None, job.said()[-4000:]
            return published_records(services, output) == expected

        job.until(all_published, 240, f"{expected} records are published")
        assert producer.wait(60) == 0
        driver = peak_mb(job.process.pid)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended(90) == 0, job.said()[-4000:]
        unharmed(job)
    print(f"{approach}: driver {driver} MB, workers {sorted(workers.values())} MB at their peaks")
    assert driver < DRIVER_MB and max(workers.values()) < WORKER_MB
    verdict = audit(services, topic, output)
    assert verdict["published"] == verdict["in_kafka"] == expected
    bounded(services, output)


def unharmed(job: Job) -> None:
    """No task failed or was tried again, and nothing that a tweet says is in the log."""
    said = job.said()
    assert not re.search(r"OutOfMemory|Lost task|Python worker exited|MemoryError", said), said[
        -4000:
    ]


def bounded(services: Services, output: str) -> None:
    """Each row against its record: a tweet's line holds its value, a rejected one's its value in
    base64."""
    reasons: Counter[str] = Counter()
    for name in batches(services, output):
        for kind in ("tweets", "rejected"):
            folder = f"{jobs.path_of(output)}/batches/{name}/{kind}"
            for file in services.files.list(folder):
                with services.files.read(f"{folder}/{file}") as reader, gzip.open(reader) as lines:
                    reasons.update(reason(line, kind) for line in lines)
    assert {"not_json", "too_deep", "empty", "tweet", "invalid_utf8"} <= reasons.keys(), reasons


def reason(line: bytes, kind: str) -> str:
    """What became of a record; its line is at most 4 times its value, 6 times its key, and 4
    KiB."""
    row = json.loads(line)
    key = (
        len((row["key"] if kind == "rejected" else row["id"] or "").encode())
        if kind == "rejected" or row.get("deleted")
        else 0
    )
    value = len(row["raw"]) * 3 // 4 if kind == "rejected" else len(line.partition(b',"tweet":')[2])
    assert len(line) <= 4 * value + 6 * key + CONSTANT, line[:300]
    return (
        str(row["reason"]) if kind == "rejected" else "deleted" if row.get("deleted") else "tweet"
    )


def peak_mb(pid: int) -> int:
    """The most memory that the process has had in use, in MB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def alive(pid: int) -> bool:
    return peak_mb(pid) > 0


@pytest.mark.long
@pytest.mark.parametrize("approach", APPROACHES)
def test_whatever_comes(
    services: Services, open_topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    """3,000 records with 900 KB of headers each, a gigabyte in one batch, and each odd record, in a
    driver of 1 GB."""
    endured(services, tmp_path, approach, open_topic, output, headers=3000, zeros=1000)


def test_a_part_of_whatever_comes(
    services: Services, open_topic: str, output: str, tmp_path: Path
) -> None:
    """The same in less: what is at hand in `make test`."""
    endured(services, tmp_path, "direct", open_topic, output, headers=100, zeros=50)
