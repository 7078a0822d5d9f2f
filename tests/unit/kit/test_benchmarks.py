"""The benchmark's own code: equal rows are found equal, other ones are not, and what a program
takes is counted."""

import json
import os
import subprocess
import sys
import textwrap
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from benchmarks import report, rows, sweeps
from benchmarks.contenders import ALL, Contender, Place
from benchmarks.figures import medians
from benchmarks.measure import Run, Watch
from benchmarks.peers import shared
from benchmarks.stage import Topic, values
from consumers import sentiment
from consumers.tweets import parse as tweets
from tests.conftest import ROOT


def expected(value: bytes) -> bytes:
    """The job's line of a tweet."""
    found = tweets.parse(value, None, 1 << 20)
    assert isinstance(found, tweets.Tweet)
    return tweets.row("t", 1, 2, 3, found, sentiment.score([found.text])[0])


def test_the_peers_rows_are_the_jobs() -> None:
    given = list(islice(values(0), 1500))
    ours = rows.digest(map(expected, given))
    at = ("t", 1, 2, 3)
    for scorer, scored in (("vaderSentiment", True), ("ours", True), ("none", False)):
        theirs = rows.digest(
            reversed(shared.lines([(at, value) for value in given], shared.scorer(scorer)))
        )
        assert theirs.difference(ours, scored) is None, scorer
    kinds = {msgspec.json.decode(expected(value))["geo_kind"] for value in given}
    assert kinds == {"point", "place", None}


def test_padding_makes_a_value_larger_and_no_other_tweet() -> None:
    plain, padded = next(values(0)), next(values(1000))
    assert len(padded) == len(plain) + len(',"padding":""') + 1000
    assert shared.parse(padded) | {"tweet": None} == shared.parse(plain) | {"tweet": None}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda lines: lines[1:], "2 rows, not 3"),
        (lambda lines: [*lines, lines[0]], "4 rows, not 3"),
        (lambda lines: [lines[0], lines[0], lines[2]], "its rows differ"),
        (
            lambda lines: [lines[0].replace(b'"offset":2', b'"offset":9'), *lines[1:]],
            "its rows differ",
        ),
        (
            lambda lines: [lines[0].replace(b'"compound":', b'"compound":1'), *lines[1:]],
            "its rows differ",
        ),
    ],
)
def test_other_rows_are_noticed(change: Any, wrong: str) -> None:
    lines = [expected(value) for value in islice(values(0), 3)]
    assert rows.digest(change(lines)).difference(rows.digest(lines), True) == wrong


def watched(tmp_path: Path, script: str, rows: int, limit_s: float = 240) -> Run:
    """A run of this script."""
    file = tmp_path / "contender.py"
    file.write_text(textwrap.dedent(script))
    return Watch([[sys.executable, "-u", str(file)]], rows, os.environ, tmp_path).finish(limit_s)


def test_children_are_counted_and_what_comes_after_the_last_row_is_not(tmp_path: Path) -> None:
    run = watched(
        tmp_path,
        """
        import subprocess, sys, time
        def burn(seconds):
            while time.process_time() < seconds: pass
        if sys.argv[1:]:
            held = bytearray(200 << 20)
            burn(1.0)
        else:
            burn(0.6)
            child = subprocess.Popen([sys.executable, __file__, "child"])
            child.wait()
            print("bench: rows 2\\nbatch 0: t[0] [0, 1), 1 tweets, 0 deleted, 0 rejected, 6.8 s")
            burn(9.0)
        """,
        3,
    )
    assert run.failure is None, run.said
    assert run.rows == 3
    assert 1.3 < run.cpu_s < 2.5
    assert run.peak_bytes > 200 << 20


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ("print('bench: rows 2')", "ended with 2 of 3 rows"),
        ("print('bench: rows 4')", "ended with 4 of 3 rows"),
        ("import time; print('bench: rows 1'); time.sleep(60)", "1 of 3 rows within 2 s"),
    ],
)
def test_who_does_not_write_all_rows_is_out(tmp_path: Path, script: str, failure: str) -> None:
    assert watched(tmp_path, script, 3, 2).failure == failure


def test_a_start_is_taken_off() -> None:
    starts = [Run(rows=100, seconds=seconds, cpu_s=5) for seconds in (9, 10, 30)]
    runs = [Run(rows=1100, seconds=s, cpu_s=cpu) for s, cpu in ((11, 7), (12, 9), (13, 10))] + [
        Run(failure="its rows differ")
    ]
    found = medians(starts, runs)
    assert (found["tweets_per_s"], found["tweets_per_core_s"], found["start_s"], found["runs"]) == (
        500,
        250,
        10,
        3,
    )
    assert found["tweets_per_core_s_of"] == [200, 500]
    assert found["failures"] == ["its rows differ"]
    assert medians(starts, runs[3:]) == {"failures": ["its rows differ"]}
    few = medians(starts, [Run(rows=110, seconds=10.2, cpu_s=5.1)])
    assert "tweets_per_s" not in few and few["failures"] == [
        "too few tweets to tell them from its start"
    ]


def test_every_contender_has_its_program_and_its_own_line() -> None:
    place = Place("host:9092", "tweets", "hdfs://host/out", "a.jar", "packages")
    lines = set()
    for contender in ALL:
        commands, environ = contender.start(place, contender.scorer)
        words = [word for line in commands for word in line] + list(environ.values())
        assert "hdfs://host/out" in words and "tweets" in words
        lines.add((str(commands), str(environ)))
        modules = [word for word in words if word.startswith("benchmarks.peers.")]
        assert all(
            (ROOT / module.partition(":")[0].replace(".", "/")).with_suffix(".py").exists()
            for module in modules
        )
    assert len(lines) == len(ALL) == len({contender.key for contender in ALL})


def result() -> dict[str, Any]:
    """Figures of no contender."""
    figures = {
        "runs": 3,
        "whole_s": 30.0,
        "peak_mib": 900,
        "start_s": 9.5,
        "tweets": 100_000,
        "failures": [],
    }
    rates = {"direct": 90_000, "Other <one>": 30_000}
    names = [
        {
            **figures,
            "name": name,
            "scorer": "ours",
            "tweets_per_s": 1,
            "tweets_per_core_s": rates[name],
            "tweets_per_core_s_of": [20_000, 99_000],
        }
        for name in rates
    ]
    late = {"name": "Late", "scorer": "ours", "tweets": 100_000, "failures": ["its rows differ"]}
    machine = {
        "cores": 4,
        "cores_used": 2,
        "cpu": "any",
        "load": 0.1,
        "python": "3.11",
        "java": "17",
        "versions": {},
        "peers": {},
    }
    about = {
        "machine": machine,
        "partitions": 6,
        "rounds": 3,
        "start_tweets": 1000,
        "value_bytes": 1001,
    }
    return {**about, "contenders": [*names[::-1], late]}


def test_the_documents_say_what_the_results_say() -> None:
    """Without results it says nothing."""
    measured = (
        json.loads(report.RESULTS.read_text(encoding="utf-8")) if report.RESULTS.exists() else None
    )
    for page, made in ((report.PAGE, report.section), (report.README, report.few)):
        section = made(measured) if measured else ""
        assert report.BEGIN + section + report.END in page.read_text(encoding="utf-8"), (
            "python -m benchmarks.report"
        )
    plot = report.PLOT.read_text(encoding="utf-8") if report.PLOT.exists() else None
    assert plot == (report.plot(measured) if measured else None), "python -m benchmarks.report"


def test_the_report_is_rewritten_in_place(tmp_path: Path) -> None:
    page, readme, plot = (tmp_path / name for name in ("page.md", "README.md", "plot.svg"))
    for file in (page, readme):
        file.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n")
    report.write(result(), page, readme, plot)
    assert "| **direct** | ours | 90,000 | 1 | 900 MiB |" in readme.read_text()
    assert "Other" not in readme.read_text() and "old" not in readme.read_text()
    text = page.read_text()
    assert (
        text.startswith(f"before\n{report.BEGIN}| contender")
        and text.endswith(f"{report.END}after\n")
        and "old" not in text
    )
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1] == (
        "| **direct** | ours | 90,000 (20,000 to 99,000) | 1.0x | 1 | 900 MiB | 9.5 s | 100,000 |"
    )
    assert rows[2].startswith("| Other <one> | ours | 30,000 (20,000 to 99,000) | 3.0x |")
    assert rows[3].startswith("| Late | ours | left out: its rows differ |")
    assert len(rows) == 4
    drawn = {element.text for element in ElementTree.parse(plot).iter() if element.text}
    assert {"direct, ours", "Other <one>, ours", "90,000"} <= drawn and "Late, ours" not in drawn


def test_a_case_without_rates_says_what_it_has() -> None:
    figures = {"tweets": 1000, "whole_s": 30.0, "peak_mib": 900, "failures": ["too few"]}
    rates = {**figures, "tweets_per_s": 5, "tweets_per_core_s": 6}
    cases = {"1": rates, "3": figures, "6": {"tweets": 1000, "failures": ["x"]}}
    rows = [
        line
        for line in report.sweeps({**result(), "sweeps": {"partitions": cases}}).splitlines()
        if line.startswith("| ")
    ]
    assert rows[1:] == [
        "| 1 | 1,000 | 30.0 s | 6 | 5 | 900 MiB |",
        "| 3 | 1,000 | 30.0 s |  |  | 900 MiB |",
        "| 6 | 1,000 | left out: x | | | |",
    ]


def test_the_page_of_sweeps_says_what_the_results_say() -> None:
    measured = json.loads(report.SWEEPS.read_text(encoding="utf-8"))
    assert report.SWEEPS_PAGE.read_text(encoding="utf-8") == report.sweeps(measured)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["benchmarks.scorer", "--seconds", "0.05"], "worst texts of"),
        (["benchmarks.scorer", "--verify", "200"], "200 texts, both kinds of sum()"),
        (["benchmarks.batch_path", "--tweets", "200", "--rounds", "1"], "tweets/core-second"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_what_needs_no_services_runs(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr


class Empty:
    """A stage on which each tweet takes a millisecond."""

    def topic(self, tweets: int, partitions: int, padding: int = 0) -> Topic:
        return Topic(f"{partitions}-{padding}", tweets)

    def run(self, contender: Contender, topic: Topic, more: tuple[str, ...] = ()) -> Run:
        assert contender.name == "direct" and more == ("--batch-interval-s", "1")
        return Run(
            rows=topic.tweets,
            seconds=topic.tweets / 1000,
            cpu_s=topic.tweets / 2000,
            peak_bytes=1 << 20,
        )


def test_a_sweep_measures_each_case_and_has_its_page() -> None:
    cases: dict[str, sweeps.Case] = {
        f"{n:,}": (n, 3, 0, ("--batch-interval-s", "1")) for n in (2000, 50_000)
    }
    found = sweeps.sweep(Empty(), cases, 2, {})  # type: ignore[arg-type]
    assert {name: (row["tweets_per_s"], row["runs"]) for name, row in found.items()} == {
        "2,000": (1000, 2),
        "50,000": (1000, 2),
    }
    page = report.sweeps({**result(), "sweeps": {"backlog, tweets": found}})
    assert "| 50,000 | 50,000 | 50.0 s | 2,000 | 1,000 | 1 MiB |" in page
