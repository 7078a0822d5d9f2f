"""The compactor on what a job has published, on real Kafka, HDFS and Spark: units, erasure,
removal, reading, and the audit's word on it."""

import base64
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
from confluent_kafka import Producer

from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import jobs
from tests.kit.compacting import compact
from tests.kit.producing import published
from units.reading import paths, table


def on_spark(services: Services, output: str) -> Any:
    script = str(ROOT / "tests" / "on_spark" / "units_read.py")
    command = [str(ROOT / "scripts" / "submit"), script, output, services.webhdfs]
    done = subprocess.run(
        command, env=os.environ, capture_output=True, text=True, timeout=240 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def delete(services: Services, topic: str, ids: list[str]) -> None:
    """Tombstones, as the producer sends them."""
    producer = Producer({"bootstrap.servers": services.bootstrap})
    for id in ids:
        producer.produce(topic, None, id.encode())
    assert producer.flush(60) == 0


def rows_of(services: Services, output: str) -> dict[tuple[int, int], dict[str, Any]]:
    """What `table` gives, by partition and offset; each row is there once."""
    rows = table(output, webhdfs=services.webhdfs).to_pylist()
    found = {(row["kafka"]["partition"], row["kafka"]["offset"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_from_batches_to_units_without_what_was_deleted(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    for _ in range(2):
        jobs.publish(services, topic, 300, "--malformed", "0.05")
        jobs.run_job(services, tmp_path, "direct", topic, output)
    raw = jobs.audit(services, topic, output)
    records = published(services, topic)

    report = compact(services, output)
    assert report["units"] >= 1 and report["rows"] == len(records)
    assert report["batches_removed"] == raw["batches"] - 1  # never the newest
    verdict = jobs.audit(services, topic, output)
    kept = {kind: raw[kind] for kind in ("tweets", "deleted", "rejected", "in_kafka")}
    assert verdict.items() >= {**kept, "erased": 0, "batches": 0}.items()
    rows = rows_of(services, output)
    for at, row in rows.items():
        value = records[at][1] or b"null"
        assert row["tweet"] == value.replace(b"\n", b"").replace(b"\r", b"")

    # Deleted, and the job goes on behind the removed batches.
    gone = sorted(row["id"] for row in rows.values() if not row["deleted"])[:7]
    time.sleep(0.01)
    delete(services, topic, gone)
    jobs.publish(services, topic, 50)
    jobs.run_job(services, tmp_path, "receiver_based", topic, output)
    report = compact(services, output)
    copies = sum(row["id"] in gone for row in rows.values())
    assert report["erased"] == copies >= 7 and report["revisions"] >= 1
    assert report["hours_to_erasure_max"] < 1
    verdict = jobs.audit(services, topic, output, "--erased-within-hours", "0")
    assert verdict["erased"] == copies and verdict["published"] == verdict["in_kafka"] - copies

    now = rows_of(services, output)
    assert not {row["id"] for row in now.values() if not row["deleted"]} & set(gone)
    assert {at for at in rows if at not in now} == {
        at for at, row in rows.items() if row["id"] in gone and not row["deleted"]
    }
    everything = b"".join(
        data
        for name, data in jobs.stored(services, output).items()
        if "/units/" in name and name.endswith("erased.parquet")
    )
    assert b"text" not in everything

    jobs.publish(services, topic, 40)
    jobs.run_job(services, tmp_path, "direct", topic, output)  # some are in no unit
    verdict = jobs.audit(services, topic, output)
    found = paths(output, webhdfs=services.webhdfs)
    assert found.units and found.batches
    seen = on_spark(services, output)
    tweets = table(output, webhdfs=services.webhdfs)
    assert verdict["tweets"] + verdict["deleted"] == len(seen["rows"]) == len(tweets)
    assert seen["rejected"] == verdict["rejected"]
    by_place = {
        (row["kafka"]["partition"], row["kafka"]["offset"]): row for row in tweets.to_pylist()
    }
    for row in seen["rows"]:
        other = by_place[row["p"], row["o"]]
        assert base64.b64decode(row["tweet"]) == other["tweet"]
        assert (row["id"], row["deleted"], row["text"]) == (
            other["id"],
            other["deleted"],
            other["text"],
        )
    assert duckdb.sql("select count(*) from tweets").fetchall() == [(len(tweets),)]
    frame = table(output, ["id", "sentiment"], webhdfs=services.webhdfs).to_pandas()
    assert len(frame) == len(tweets)


def test_a_list_of_ids_is_erased_and_explained(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    jobs.publish(services, topic, 100)
    jobs.run_job(services, tmp_path, "direct", topic, output)
    compact(services, output)
    ids = sorted({row["id"] for row in rows_of(services, output).values()})[:3]
    answer = tmp_path / "compliance.jsonl"  # as X gives it
    lines = [{"id": id, "action": "delete", "reason": "deleted"} for id in ids[:2]]
    answer.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = ("--because", "the legal desk: requests 1 and 2")
    report = compact(services, output, "--erase-ids", str(answer), *told)
    assert report["erased"] == 2
    verdict = jobs.audit(services, topic, output)
    assert verdict["erased"] == 2 and verdict["in_kafka"] == 100

    # A list that somebody removes no longer explains anything.
    folder = f"{jobs.path_of(output)}/erasures"
    services.files.delete(folder, recursive=True)
    assert jobs.audit(services, topic, output, expect=1)["lost"] == 2
