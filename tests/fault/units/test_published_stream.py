"""`published_tweets` as a stream that is killed: each row once in a sink that forgets nothing."""

import json
import random
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from local.notebooks import TOO_SLOW
from tests.conftest import PATIENCE, ROOT, Services, wait_until
from tests.kit import jobs
from tests.kit.compacting import environ, mirror
from tests.kit.faults.results import machine
from units.reading import table

RESULTS = ROOT / "docs" / "results" / "published-stream-kills.json"

EACH = 4  # records of a batch; a kill comes after one or two batches


def streaming(services: Services, output: str, folder: Path) -> subprocess.Popen[bytes]:
    """The stream, until it has all; its log begins again."""
    script = str(ROOT / "tests" / "on_spark" / "published_stream.py")
    command = [str(ROOT / "scripts" / "submit"), script, output, services.webhdfs, str(folder)]
    with (folder / "stream.log").open("wb") as log:
        return subprocess.Popen(command, env=environ(), stdout=log, stderr=log)


def in_sink(folder: Path) -> list[tuple[int, int]]:
    """Partition and offset of each row in the files that Spark's file sink has committed."""
    names: set[str] = set()
    for file in (folder / "rows" / "_spark_metadata").glob("[0-9]*"):
        for line in file.read_text().splitlines()[1:]:
            names.add(Path(json.loads(line)["path"]).name)
    found = [pq.read_table(folder / "rows" / name).column("kafka").to_pylist() for name in names]
    return [(row["partition"], row["offset"]) for rows in found for row in rows]


def log(folder: Path) -> str:
    """The end of what the last stream has said."""
    return (folder / "stream.log").read_text()[-3000:]


def was_too_slow(folder: Path) -> bool:
    """Whether Spark gave its Python worker up, for which it waits ten seconds on any machine; the
    remedy is another start (docs/units.md)."""
    return TOO_SLOW in log(folder)


def commits(folder: Path) -> int:
    return len(list((folder / "checkpoint" / "commits").glob("[0-9]*")))


@pytest.mark.timeout(7200)
@pytest.mark.long  # a stop and a start are in test_compaction.py
@pytest.mark.parametrize("kills", [3, 50])
def test_a_killed_stream_writes_each_row_once(
    services: Services, topic: str, output: str, tmp_path: Path, kills: int
) -> None:
    records = 12 * kills + 40
    jobs.publish(services, topic, records, "--malformed", "0.05")
    mirror(services, topic, output, most=EACH)
    dice, killed = random.Random(kills), 0
    while killed < kills:
        before, job = commits(tmp_path), streaming(services, output, tmp_path)
        more = before + dice.randint(1, 2)
        wait_until(
            lambda job=job, more=more: job.poll() is not None or commits(tmp_path) >= more,
            120,
            "the stream goes on",
        )
        wait_until(lambda: dice.random() < 0.3, 10, "some moment has come")
        killed += job.poll() is None  # the rest died of itself
        job.kill()
        assert job.wait() == -signal.SIGKILL or was_too_slow(tmp_path), log(tmp_path)
    while (job := streaming(services, output, tmp_path)).wait(240 * PATIENCE):
        assert was_too_slow(tmp_path), log(tmp_path)
    rows = table(output, ["kafka"], webhdfs=services.webhdfs).to_pylist()
    wanted = sorted((row["kafka"]["partition"], row["kafka"]["offset"]) for row in rows)
    assert sorted(in_sink(tmp_path)) == wanted and len(wanted) > records * 0.8
    figures = {"kills": killed, "triggers": commits(tmp_path), "rows": len(wanted), "wrong": 0}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    about = {"made_by": "make test-fault", "machine": machine()}
    RESULTS.write_text(json.dumps({**known, **about, str(kills): figures}, indent=1) + "\n")
