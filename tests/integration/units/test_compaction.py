"""The compactor on real Kafka, HDFS and Spark: units, erasure, removal, reading, a job behind it
all, and the audit's word on it."""

import base64
import json
import subprocess
from argparse import Namespace
from pathlib import Path
from typing import Any

import duckdb
from confluent_kafka import Producer

from tests.conftest import PATIENCE, ROOT, Services
from tests.kit import jobs
from tests.kit.compacting import compact, environ, mirror
from tests.kit.producing import published
from tests.unit.views.test_store import sums
from units.reading import paths, table
from views import followers


def on_spark(services: Services, output: str, folder: Path) -> Any:
    """What the README's function gives in Spark, and the source `published_tweets`."""
    script = str(ROOT / "tests" / "on_spark" / "units_read.py")
    command = [str(ROOT / "scripts" / "submit"), script, output, services.webhdfs, str(folder)]
    done = subprocess.run(
        command, env=environ(), capture_output=True, text=True, timeout=240 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def delete(services: Services, topic: str, ids: list[str]) -> None:
    """Tombstones, as the producer sends them."""
    producer = Producer({"bootstrap.servers": services.bootstrap})
    for id in ids:
        producer.produce(topic, None, id.encode())
    assert producer.flush(60) == 0


Rows = dict[tuple[int, int], dict[str, Any]]


def rows_of(services: Services, output: str) -> Rows:
    """What `table` gives, by partition and offset; each row is there once."""
    rows = table(output, webhdfs=services.webhdfs).to_pylist()
    found = {(row["kafka"]["partition"], row["kafka"]["offset"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_from_batches_to_units_without_what_was_deleted(
    services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    jobs.publish(services, topic, 300, "--malformed", "0.05")
    batches = mirror(services, topic, output, hour="2026-01-01T00")
    batches += mirror(services, topic, output)
    raw = jobs.audit(services, topic, output)
    followed(services, output, tmp_path / "from-batches", raw)
    records = published(services, topic)
    before = rows_of(services, output)
    # the sample deletes some of its own tweets
    deleted = {row["id"] for row in before.values() if row["deleted"]}
    lost = {at for at, row in before.items() if not row["deleted"] and row["id"] in deleted}

    report = compact(services, output)
    assert report["units"] == 1 and report["rows"] == len(records) == raw["in_kafka"]
    assert report["batches_removed"] == batches - 1  # never the newest
    verdict = jobs.audit(services, topic, output)
    wanted = {kind: raw[kind] for kind in ("tweets", "deleted", "rejected", "in_kafka")}
    wanted |= {"tweets": raw["tweets"] - len(lost), "erased": len(lost)}
    wanted |= {"units": 1, "batches": 0}
    assert {kind: verdict[kind] for kind in wanted} == wanted
    followed(services, output, tmp_path / "from-batches", verdict)
    followed(services, output, tmp_path / "from-units", verdict)
    before = {at: row for at, row in before.items() if at not in lost}
    assert rows_of(services, output) == before
    for at, row in before.items():
        value = records[at][1] or b"null"
        assert row["tweet"] == value.replace(b"\n", b"").replace(b"\r", b"")

    # Deletions come, and a list, and a job continues behind the removed batches.
    ids = sorted(row["id"] for row in before.values() if not row["deleted"])
    gone, listed = ids[:7], set(ids[7:9])
    delete(services, topic, gone)
    answer = tmp_path / "compliance.jsonl"  # as X gives it
    lines = [{"id": id, "action": "delete", "reason": "deleted"} for id in listed]
    answer.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = ("--erase-ids", str(answer), "--because", "the legal desk: requests 1 and 2")
    jobs.publish(services, topic, 50)
    jobs.run_job(services, tmp_path, "direct", topic, output)
    jobs.audit(services, topic, output)
    now = rows_of(services, output)
    tombstones = {row["id"] for row in now.values() if row["deleted"]}
    assert tombstones > set(gone), "the sample deletes some too"
    expected = erased(now, tombstones | listed)
    units = 1 + bool(expected - before.keys())  # a copy came in the later hour
    report = compact(services, output, *told)
    assert report["erased"] == len(expected) >= 9 and report["revisions"] == units
    assert report["hours_to_erasure_max"] < 1
    verdict = jobs.audit(services, topic, output, "--erased-within-hours", "0")
    assert verdict["erased"] == len(expected) + len(lost)
    assert verdict["published"] == verdict["in_kafka"] - verdict["erased"]
    after = rows_of(services, output)
    assert after == {at: row for at, row in now.items() if at not in expected}
    names = [name for name in jobs.stored(services, output) if "/units/" in name]
    assert not [name for name in names if "0000000000-r0" in name]  # the revision before is gone

    # Some are in no unit yet: everything is read as one table, each record once.
    jobs.publish(services, topic, 40)
    mirror(services, topic, output)
    verdict = jobs.audit(services, topic, output)
    found = paths(output, webhdfs=services.webhdfs)
    assert found.units and found.batches
    reads_the_same(services, output, verdict, tmp_path)
    followed(services, output, tmp_path / "from-units", verdict)

    # A list that somebody removes no longer explains anything.
    services.files.delete(f"{jobs.path_of(output)}/erasures", recursive=True)
    verdict = jobs.audit(services, topic, output, expect=1)
    assert verdict["lost"] == len(erased(now, listed) - erased(now, tombstones))


def followed(services: Services, output: str, store: Path, verdict: dict[str, Any]) -> None:
    """The page's store has the rows that the audit counts, each once."""
    followers.catch_up(Namespace(output=[output], webhdfs=services.webhdfs, store=store))
    (path,) = store.glob("*.sqlite")
    held = sums(path)
    assert held["frontier"] == tuple(verdict[kind] for kind in ("tweets", "deleted", "rejected"))
    assert held["all"] == held["every"] == verdict["tweets"]
    assert held["cells"] == held["located"]


def erased(rows: Rows, ids: set[str]) -> set[tuple[int, int]]:
    """Where the tweets with these ids are."""
    return {at for at, row in rows.items() if row["id"] in ids and not row["deleted"]}


def reads_the_same(services: Services, output: str, verdict: dict[str, Any], folder: Path) -> None:
    """Spark, its table and stream, pandas, pyarrow and DuckDB have the rows that the audit
    counts."""
    tweets = table(output, webhdfs=services.webhdfs)
    count = verdict["tweets"] + verdict["deleted"]
    seen = on_spark(services, output, folder / "streamed")
    for way in ("rows", "table", "stream"):
        seen[way].sort(key=_place)
    assert len(seen["rows"]) == len(tweets) == count
    for way in ("table", "stream"):
        assert [_place(row) for row in seen[way]] == [_place(row) for row in seen["rows"]], way
        assert seen[way] == seen["rows"]
    assert seen["rejected"] == [verdict["rejected"]] * 3
    rows = rows_of(services, output)
    for row in seen["rows"]:
        other = rows[row["p"], row["o"]]
        assert base64.b64decode(row["tweet"]) == other["tweet"]
        assert all(row[name] == other[name] for name in ("id", "deleted", "text"))
    assert duckdb.sql("select count(*) from tweets").fetchall() == [(count,)]
    frame = table(output, ["id", "sentiment"], webhdfs=services.webhdfs).to_pandas()
    assert len(frame) == count


def _place(row: dict[str, Any]) -> tuple[int, int]:
    return row["p"], row["o"]
