"""What a task of either job makes of its ranges and frames; no Spark runs here."""

import gzip
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import cloudpickle

import kafka_dstreams
from config import settings
from config.errors import ConfigError, DataLossRisk, Fenced, PipelineError, ServiceUnreachable
from consumers.driver import contexts, endings, opening, trampoline
from consumers.driver.batches import KINDS, reasons, task, unpublished
from consumers.driver.driver import Driver
from consumers.output import manifests
from kafka_dstreams import OffsetRange
from tests.kit.frame_bytes import Row, pack

LIMIT = 1000


def tweet(number: int) -> bytes:
    return json.dumps({"data": {"id": str(number), "text": f"I love number {number}"}}).encode()


def tweets(*offsets: int) -> list[Row]:
    return [(offset, 1000 + offset, b"%d" % offset, tweet(offset)) for offset in offsets]


def frame(data: bytes, wanted: Any, counts: dict[str, int]) -> list[bytes]:
    """The blobs of one frame; what its task sums up is added to the counts."""
    *blobs, summary = task([wanted], LIMIT)(0, iter([data]))
    found = json.loads(summary[1:])
    for kind in KINDS:
        counts[kind] = counts.get(kind, 0) + found[kind]
    return blobs


def lines(blobs: list[bytes], tag: bytes) -> list[dict[str, Any]]:
    """The lines of the blobs of this kind, which every gzip reader must take as one file."""
    data = b"".join(blob[1:] for blob in blobs if blob[:1] == tag)
    return [json.loads(line) for line in gzip.decompress(data).splitlines()] if data else []


@pytest.mark.parametrize(
    ("parts", "covered", "wanted"),
    [
        ([[("t", 0, 0, 5)]], {}, [[("t", 0, 0, 5)]]),
        ([[("t", 0, 0, 5)]], {("t", 0): [(0, 5)]}, [[]]),
        ([[("t", 0, 0, 9)]], {("t", 0): [(0, 2), (4, 6)]}, [[("t", 0, 2, 4), ("t", 0, 6, 9)]]),
        ([[("t", 0, 3, 3)]], {}, [[]]),
        # the same records twice in one batch: in two blocks, in one block, in parts
        ([[("t", 0, 0, 5)], [("t", 0, 0, 5)]], {}, [[("t", 0, 0, 5)], []]),
        ([[("t", 0, 0, 5), ("t", 0, 3, 8)]], {}, [[("t", 0, 0, 5), ("t", 0, 5, 8)]]),
        (
            [[("t", 0, 4, 6)], [("t", 0, 0, 9)]],
            {},
            [[("t", 0, 4, 6)], [("t", 0, 0, 4), ("t", 0, 6, 9)]],
        ),
        (
            [[("t", 0, 0, 2), ("t", 1, 0, 2), ("u", 0, 0, 2)]],
            {("t", 1): [(0, 1)]},
            [[("t", 0, 0, 2), ("t", 1, 1, 2), ("u", 0, 0, 2)]],
        ),
    ],
)
def test_only_what_nobody_has_published_is_wanted(
    parts: Any, covered: manifests.Covered, wanted: Any
) -> None:
    before = {partition: list(intervals) for partition, intervals in covered.items()}
    assert unpublished([[OffsetRange(*row) for row in part] for part in parts], covered) == wanted
    assert covered == before


def test_a_frame_becomes_lines_in_the_order_of_its_offsets() -> None:
    counts = {"tweets": 0, "deleted": 0, "rejected": 0}
    rows: list[Row] = [
        *tweets(10),
        (11, 1011, b"9", None),
        (12, 1012, b"k", b"\xff"),
        *tweets(14),
        (15, 1015, None, b"x" * (LIMIT + 1)),
    ]
    blobs = frame(pack("t", 2, rows), [("t", 2, 10, 16)], counts)
    assert counts == {"tweets": 2, "deleted": 1, "rejected": 2}
    kept, rejected = lines(blobs, b"T"), lines(blobs, b"R")
    assert [line["kafka"] for line in kept] == [
        {"topic": "t", "partition": 2, "offset": offset, "timestamp": 1000 + offset}
        for offset in (10, 11, 14)
    ]
    assert [line["id"] for line in kept] == ["10", "9", "14"]
    assert kept[0]["sentiment"]["label"] == "positive"
    assert kept[0]["tweet"] == json.loads(tweet(10))
    assert kept[1] == {"kafka": kept[1]["kafka"], "id": "9", "deleted": True, "tweet": None}
    assert [(line["kafka"]["offset"], line["reason"]) for line in rejected] == [
        (12, "invalid_utf8"),
        (15, "too_large"),
    ]


def test_scores_belong_to_their_tweets() -> None:
    texts = ["I love this", "I hate this", "The table is made of wood"]
    values = [
        json.dumps({"data": {"id": str(n), "text": text}}).encode() for n, text in enumerate(texts)
    ]
    rows: list[Row] = [
        (0, 0, None, values[0]),
        (1, 0, None, b"no tweet"),
        (2, 0, b"1", None),
        (3, 0, None, values[1]),
        (4, 0, None, values[2]),
    ]
    kept = lines(frame(pack("t", 0, rows), [("t", 0, 0, 5)], {}), b"T")
    assert [line["sentiment"]["label"] for line in kept if "sentiment" in line] == [
        "positive",
        "negative",
        "neutral",
    ]


def test_only_wanted_offsets_of_this_partition_are_kept() -> None:
    wanted = [("t", 0, 2, 4), ("t", 0, 6, 7), ("t", 1, 0, 9), ("u", 0, 0, 9)]
    counts = {"tweets": 0, "deleted": 0, "rejected": 0}
    blobs = frame(pack("t", 0, tweets(*range(9))), wanted, counts)
    assert [line["kafka"]["offset"] for line in lines(blobs, b"T")] == [2, 3, 6]
    assert counts["tweets"] == 3
    assert frame(pack("v", 0, tweets(0)), wanted, counts) == []


def test_a_task_ends_with_its_summary() -> None:
    frames = [pack("t", 0, tweets(0, 1)), pack("t", 0, tweets(2))]
    *blobs, summary = task([[], [("t", 0, 1, 3)]], LIMIT)(1, iter(frames))
    assert summary[:1] == b"S"
    assert json.loads(summary[1:]) == {
        "tweets": 2,
        "deleted": 0,
        "rejected": 0,
        "newest_ms": 1002,
        "reasons": {},
    }
    assert [line["kafka"]["offset"] for line in lines(blobs, b"T")] == [1, 2]


def test_a_task_that_is_wanted_for_nothing_reads_nothing() -> None:
    def untouchable() -> Any:
        pytest.fail("it read a frame")
        yield b""

    (summary,) = task([[]], LIMIT)(0, untouchable())
    nothing = {"tweets": 0, "deleted": 0, "rejected": 0, "newest_ms": 0, "reasons": {}}
    assert json.loads(summary[1:]) == nothing


def test_tasks_say_why_they_reject() -> None:
    values = [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b" ",
        json.dumps({"data": {"id": "1", "text": "x"}}).encode(),
    ]
    rows: list[Row] = [(n, 0, b'"reason":"x"', value) for n, value in enumerate(values)]
    parts = []
    for _ in range(2):
        *_, summary = task([[("t", 0, 0, 9)]], LIMIT)(0, iter([pack("t", 0, rows)]))
        parts.append({"summary": json.loads(summary[1:])})
    assert reasons(parts) == {"empty": 4, "not_json": 2, "not_a_tweet": 2, "invalid_utf8": 2}


def driver(output: Any = None, **state: Any) -> Driver:
    """An open job with this output; its Kafka and HDFS are stand-ins."""
    nobody: Any = MagicMock()
    given = settings.Settings("direct", {"max_tweet_bytes": LIMIT, "progress_file": ""}, {})
    return Driver(given, ["t"], {"group.id": "g"}, nobody, output or nobody, None, **state)


def test_a_batch_finds_the_driver_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a checkpoint holds of `store` is its name."""
    monkeypatch.setattr(trampoline, "_driver", None)
    frozen = cloudpickle.dumps(lambda _time, rdd: trampoline.store(rdd))
    assert b"Driver" not in frozen
    with pytest.raises(RuntimeError, match="no driver was opened"):
        cloudpickle.loads(frozen)(0, None)
    opened, stored = driver(), MagicMock()
    monkeypatch.setattr(opened, "store", stored)
    trampoline.lead_to(opened)
    cloudpickle.loads(frozen)(0, "frames")
    stored.assert_called_once_with("frames")


def test_after_a_failure_no_batch_runs() -> None:
    with pytest.raises(RuntimeError, match="an earlier one failed"):
        driver(failure=OSError("the batch before")).store(MagicMock())


def test_a_failure_holds_though_nobody_can_say_whether_we_are_fenced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed, away = (
        Py4JJavaError("a task failed", MagicMock()),
        ServiceUnreachable("the NameNode is away"),
    )
    job = driver(SimpleNamespace(own=SimpleNamespace(holds=MagicMock(side_effect=away))))
    monkeypatch.setattr(job, "_store", MagicMock(side_effect=failed))
    with pytest.raises(ServiceUnreachable):
        job.store(MagicMock())
    with pytest.raises(RuntimeError, match="an earlier one failed"):
        job.store(MagicMock())
    assert job.failure is failed


def test_nothing_is_dropped_or_published_of_a_topic_created_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither what looks as if it came again, nor what looks new."""
    monkeypatch.setattr(kafka_dstreams, "topic_ids", lambda _params, _topics: {"t": "another"})
    for delivered in ([("t", 0, 5, 10)], [("t", 0, 10, 15)]):
        monkeypatch.setattr(kafka_dstreams, "offset_ranges", lambda _rdd, rows=delivered: [rows])
        output = MagicMock(covered={("t", 0): [(0, 10)]})
        output.check_topics.side_effect = DataLossRisk("created again")
        job = driver(output)
        monkeypatch.setattr(job.storage, "write_parts", lambda *_: [])
        with pytest.raises(DataLossRisk):
            job.store(MagicMock())
        output.check_topics.assert_called_once_with({"t": "another"})
        output.publish.assert_not_called()


def test_records_that_come_again_are_counted_and_stay_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", Driver.__module__)
    ranges = [[("t", 0, 5, 10)], [("t", 0, 7, 10)]]
    monkeypatch.setattr(kafka_dstreams, "offset_ranges", lambda _rdd: ranges)
    monkeypatch.setattr(kafka_dstreams, "topic_ids", lambda _params, _topics: {})
    # neither staged nor published: it has no such methods
    published = SimpleNamespace(
        covered={("t", 0): [(0, 10)]},
        own=SimpleNamespace(holds=lambda: True),
        check_topics=lambda _ids: None,
    )
    driver(published).store(MagicMock())
    assert caplog.messages == ["8 records were delivered again and stay out"]


def test_an_idle_driver_learns_that_a_newer_one_has_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_dstreams, "offset_ranges", lambda _rdd: [])
    own = SimpleNamespace(holds=lambda: False, lost=lambda: Fenced("taken over"))
    with pytest.raises(Fenced):
        driver(SimpleNamespace(covered={}, own=own)).store(MagicMock())


def test_a_published_batch_tells_the_supervisor_and_an_idle_one_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, manifest = tmp_path / "progress", SimpleNamespace(seq=0, ranges=[], counts={})
    for module in ("commit", "leader_epochs", "topic_ids"):
        monkeypatch.setattr(kafka_dstreams, module, MagicMock())
    for delivered, told in (([], False), ([[("t", 0, 0, 5)]], True)):
        monkeypatch.setattr(kafka_dstreams, "offset_ranges", lambda _rdd, rows=delivered: rows)
        job = driver(MagicMock(covered={}, publish=lambda *_: manifest))
        job.settings.values["progress_file"] = str(file)
        job.store(MagicMock())
        assert file.exists() is told


def test_draining_goes_without_backpressure_and_keeps_the_user_s_rate() -> None:
    def conf(*flags: str, program: str = "direct") -> dict[str, str]:
        return contexts.spark_conf(settings.load(program, flags, environ={}))

    rate, backpressure = (
        "spark.streaming.kafka.maxRatePerPartition",
        "spark.streaming.backpressure.enabled",
    )
    assert (conf().get(rate), conf().get(backpressure)) == (None, None)
    assert (conf("--available-now")[rate], conf("--available-now")[backpressure]) == (
        str(contexts.DRAIN_RATE),
        "false",
    )
    assert conf("--available-now", "--max-rate", "7")[rate] == conf("--max-rate", "7")[rate] == "7"
    assert conf("--available-now", program="receiver_based") == conf(), (
        "its checkpoint would keep what is set here"
    )


@pytest.mark.parametrize(
    ("program", "flags", "interval_s"),
    [
        ("direct", ["--batch-interval-s", "5"], 5.0),
        ("direct", ["--batch-interval-s", "5", "--available-now"], contexts.DRAIN_INTERVAL_S),
        ("direct", ["--batch-interval-s", "0.2", "--available-now"], 0.2),
        ("receiver_based", ["--batch-interval-s", "5", "--available-now"], 5.0),
    ],
)
def test_a_draining_direct_job_does_not_wait_for_its_interval(
    program: str, flags: list[str], interval_s: float
) -> None:
    assert contexts.batch_interval_s(settings.load(program, flags)) == interval_s


@pytest.mark.parametrize(("published", "code"), [(0, 1), (1, 3)])
def test_retention_that_moves_before_anything_is_published(published: int, code: int) -> None:
    """A plain restart begins where Kafka begins then; behind what is published it would skip
    records."""
    job = driver(SimpleNamespace(seq=published))
    error = endings.of(kafka_dstreams.DataLoss("retention has overtaken"), job)
    assert isinstance(error, PipelineError) and error.exit_code == code, error


def test_words_that_cannot_be_published_are_refused_before_anything_is_done() -> None:
    with pytest.raises(ConfigError, match="not UTF-8 at accept_loss") as caught:
        opening.check_words(os.fsdecode(b"ana: the disk \xe9tait full"))
    str(caught.value).encode()
    opening.check_words("ana: le disque était plein")
