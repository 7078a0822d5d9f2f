"""What a run decides before it reads: whose spool it uses, whose position, on which disk. And what
`make clean` leaves of it."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from config import settings
from producer import run as producer_run
from producer.opening import question
from producer.publishing import sending
from producer.run import records_of, spool_owner
from producer.sources import Memory
from producer.sources.x.kept import Kept
from producer.sources.x.opening import kept
from producer.spool.spool import Spool
from producer.stopping import Interrupt
from tests.conftest import ROOT, wait_until
from tests.kit.producing import run_here, under_way


def asked(*flags: str) -> str:
    return question(
        settings.load(
            "producer", flags, environ={}, file=Path("/nowhere"), secrets=Path("/nowhere")
        )
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("--source", "search", "--query", "coffee"), ("--source", "search", "--query", "tea")),
        (
            ("--source", "search", "--query", "coffee"),
            ("--source", "search", "--query", "coffee", "--lang", "en"),
        ),
        (
            ("--source", "stream", "--track", "coffee"),
            ("--source", "stream", "--track", "coffee,tea"),
        ),
        (
            ("--source", "bluesky", "--keywords", "coffee"),
            ("--source", "bluesky", "--keywords", "tea"),
        ),
    ],
)
def test_another_question_has_another_digest(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert asked(*one) == asked(*one) != asked(*other)


def test_what_does_not_choose_posts_does_not_change_the_question() -> None:
    query = ("--source", "search", "--query", "coffee")
    assert asked(*query) == asked(
        *query, "--since", "3d", "--interval", "5", "--max-posts", "7", "--bootstrap", "other:9092"
    )


def test_the_rules_are_those_in_the_file(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    flags = ("--source", "stream", "--rules", str(rules))
    missing = asked(*flags)
    rules.write_text('coffee = "coffee"')
    coffee = asked(*flags)
    rules.write_text('coffee = "coffee lang:en"')
    assert len({missing, coffee, asked(*flags)}) == 3


@pytest.mark.parametrize("source", ["replay", "sample"])
def test_what_is_read_from_its_beginning_has_no_question(source: str) -> None:
    assert asked("--source", source, "--spool", "/abs") == ""


def test_a_position_belongs_to_its_question(tmp_path: Path) -> None:
    """One digest for the spool and for what X's sources keep beside it."""

    def opened(query: str) -> tuple[Spool, Kept]:
        flags = ("--query", query, "--spool", str(tmp_path))
        chosen = settings.load("producer", flags, environ={}, secrets=Path("/nowhere"))
        spool = records_of(chosen)
        assert isinstance(spool, Spool)
        return spool, kept(Memory(spool.position, question(chosen), tmp_path))

    spool, own = opened("coffee")
    spool.append(b"17", b"a post", own.marked("17"))
    own.whole(1.8e9)
    spool.close()
    for query, expected in [("coffee", ("17", 1.8e9)), ("tea", ("", 0.0))]:
        spool, own = opened(query)
        assert (own.position, own.alive, spool.found) == (*expected, 1)
        spool.close()


def test_an_owner_knows_its_cluster_in_any_order_of_its_brokers() -> None:
    assert spool_owner("stream", "tweets", "b:1,a:2") == spool_owner("stream", "tweets", "a:2,b:1")
    assert spool_owner("stream", "tweets", "a:2") != spool_owner("stream", "tweets", "b:1")


def test_a_disk_with_little_space_stops_the_reading_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer_run, "DRAIN_S", 0.2)
    monkeypatch.setattr(sending, "STOP_S", 0.2)
    interrupt, nowhere = Interrupt(), SimpleNamespace(bootstrap="127.0.0.1:9")
    free = [0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    run = run_here(
        nowhere, "tweets", tmp_path, interrupt, source="sample", rate=1000, max_posts=1_000_000
    )  # type: ignore[arg-type]
    with under_way(run):
        wait_until(lambda: run.report().read, 10, "a first record, which was in hand")
        assert (
            "has 0 bytes left, fewer than --spool-min-free-bytes, reading has stopped"
            in run.trouble()
        )
        assert run.report().read == 1
        free[0] = 2 * 1024**3
        wait_until(lambda: run.report().read > 100, 30, "reading goes on by itself")
        assert "--spool-min-free-bytes" not in run.trouble()
        interrupt.asked = True
    report = run.report()
    assert (report.read, report.failed) == (report.spooled, 0)


def cleaned(folder: Path) -> str:
    """What `make clean` says in a copy of the project in which nothing was set up."""
    command = [
        "make",
        "--no-print-directory",
        "-C",
        str(folder),
        "-f",
        str(ROOT / "Makefile"),
        "clean",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "kept", ["tweets-stream/00000000000000000000.segment", "tweets-search/rejected.jsonl"]
)
def test_clean_keeps_what_is_paid_for(tmp_path: Path, kept: str) -> None:
    spool = tmp_path / ".run" / "spool"
    (spool / kept).parent.mkdir(parents=True)
    (spool / kept).write_bytes(b"paid")
    (tmp_path / ".run" / "services").mkdir()
    (tmp_path / "build").mkdir()
    said = cleaned(tmp_path)
    assert (spool / kept).read_bytes() == b"paid"
    assert not (tmp_path / "build").exists() and not (tmp_path / ".run" / "services").exists()
    assert "kept: .run/spool" in said and "rm -r .run/spool" in said


def test_clean_removes_a_spool_that_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".run" / "spool" / "tweets-stream"
    folder.mkdir(parents=True)
    (folder / "lock").write_text("stream for tweets")
    assert "kept" not in cleaned(tmp_path)
    assert not (tmp_path / ".run").exists()
    cleaned(tmp_path)
