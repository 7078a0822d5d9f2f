"""The closing report, the ledger's lines, the pace."""

import errno
import io
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import pytest

from config.errors import ConfigError
from producer import report as producer_report
from producer.publishing.ledger import Ledger
from producer.report import Progress, Report
from producer.sources.pace import paced
from tests.conftest import wait_until

REPORT = Report(
    source="stream",
    topic="tweets",
    state="429, again in 12 s",
    read=10,
    from_spool=2,
    acked=8,
    failed=1,
    rejected=1,
    spooled=2,
    reconnects=3,
    backfilled=0,
    repeats=4,
    gaps=1,
    gap_seconds=7200.0,
    skipped_empty_lines=0,
    bytes=4_000,
    seconds=2.0,
    records_per_second=4.0,
    cost_usd=0.05,
    stopped_by="error",
)


def test_report_is_one_json_object() -> None:
    out = io.StringIO()
    REPORT.write(out)
    report = json.loads(out.getvalue())
    assert (
        report["read"] + report["from_spool"]
        == report["acked"] + report["failed"] + report["rejected"] + report["spooled"]
        == 12
    )
    assert report["stopped_by"] == "error"


def test_live_line_names_trouble_and_cost() -> None:
    assert REPORT.line(4.0) == (
        "429, again in 12 s: 10 read, 8 acked, 1 failed, 1 rejected, 3 reconnects, 4 repeats, 1 "
        "gaps, 4 records/s, 2 waiting,"
        " 0.05 USD, 2 s"
    )


def test_progress_outlives_a_standard_error_that_is_full_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            if len(written) == 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(text)

    monkeypatch.setattr(producer_report, "PLAIN_EVERY_S", 0.0)
    monkeypatch.setattr(sys, "stderr", Full())
    with Progress(lambda: REPORT, lambda: "", as_json=False):
        wait_until(lambda: sys.stderr.getvalue().count("10 read"), 10, "the next line is said")  # type: ignore[attr-defined]
    assert "total: " in sys.stderr.getvalue()  # type: ignore[attr-defined]


def test_progress_ends_well_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stderr", gone)
        with Progress(lambda: REPORT, lambda: "", as_json=False):
            pass
        monkeypatch.undo()
        with suppress(BrokenPipeError):
            gone.close()


def test_what_stops_the_reading_is_said_when_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_report, "PLAIN_EVERY_S", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    idle = replace(REPORT, acked=10)
    with Progress(lambda: idle, lambda: "reading has stopped", as_json=False):
        wait_until(lambda: "(reading has stopped)" in sys.stderr.getvalue(), 10, "it is said")  # type: ignore[attr-defined]


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


@pytest.mark.parametrize(
    "torn",
    [b'{"topic":"twe', b'{"topic":"tweets","partition":1,"offset":7,"key":"1","sha256":"ab"}'],
)
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
