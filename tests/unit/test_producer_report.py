"""The closing report, the ledger's lines, the pace."""

import io
import json
import time
from itertools import count, islice
from pathlib import Path

import pytest

from config.errors import ConfigError
from producer.ledger import Ledger
from producer.report import Report
from producer.sources.pace import paced

REPORT = Report(
    source="stream", topic="tweets", state="429, again in 12 s", read=10, from_spool=2, acked=8, failed=1, rejected=1, spooled=2,
    reconnects=3, backfilled=0, repeats=4, gaps=1, gap_seconds=7200.0, skipped_empty_lines=0, bytes=4_000, seconds=2.0,
    records_per_second=4.0, cost_usd=0.05,
    stopped_by="error",
)  # fmt: skip


def test_report_is_one_json_object() -> None:
    out = io.StringIO()
    REPORT.write(out)
    report = json.loads(out.getvalue())
    assert (
        report["read"] + report["from_spool"] == report["acked"] + report["failed"] + report["rejected"] + report["spooled"] == 12
    )
    assert report["stopped_by"] == "error"


def test_live_line_names_trouble_and_cost() -> None:
    assert REPORT.line(4.0) == (
        "429, again in 12 s: 10 read, 8 acked, 1 failed, 1 rejected, 3 reconnects, 4 repeats, 1 gaps, 4 records/s, 2 waiting,"
        " 0.05 USD, 2 s"
    )


def test_ledger_lines(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    file.write_text("")
    ledger = Ledger(str(file))
    ledger.write("tweets", 1, 7, "ключ".encode(), "ab")
    ledger.write("tweets", 1, 8, None, None)
    ledger.flush()
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"topic": "tweets", "partition": 1, "offset": 7, "key": "ключ", "sha256": "ab"},
        {"topic": "tweets", "partition": 1, "offset": 8, "key": None, "sha256": None},
    ]


@pytest.mark.parametrize("torn", [b'{"topic":"twe', b'{"topic":"tweets","partition":1,"offset":7,"key":"1","sha256":"ab"}'])
def test_a_line_that_a_killed_run_left_unfinished_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "ledger"
    file.write_bytes(b'{"whole":1}\n' + torn)
    ledger = Ledger(str(file))
    ledger.write("tweets", 1, 8, None, None)
    ledger.flush()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0] == {"whole": 1}
    assert [line.get("offset") for line in lines] == [None, 8]


def test_ledger_that_cannot_be_written() -> None:
    with pytest.raises(ConfigError, match="cannot write the ledger"):
        Ledger("/nowhere/ledger")


def test_pace() -> None:
    records = ((str(n), b"") for n in count())
    begin = time.monotonic()
    assert len(list(islice(paced(records, 100.0), 21))) == 21
    assert time.monotonic() - begin >= 0.2
