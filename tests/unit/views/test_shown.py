"""What the terminal and the picture say of a store, and the figures of the two columns."""

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from PIL import Image
from rich.console import Console

from config.errors import ConfigError
from tests.conftest import ROOT
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records, tweet
from tests.kit.strangers import HOSTILE
from views import heatmap, watch
from views.follow import Follower, store_path
from views.shades import located
from views.store import jobs
from views.store.frontier import Store
from views.store.queries import View

OUTPUTS = ["hdfs://host/tweets/direct", "hdfs://host/tweets/receiver_based"]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Namespace]:
    """Two stores: the second output is one batch behind, then a driver of the other approach went
    on with the first."""
    dice, outputs = Random(1), [MemoryFiles(), MemoryFiles()]
    first, second = opened(outputs[0]), opened(outputs[1], "receiver_based")
    for seq in range(3):
        batch = records(dice, 100 * seq, 100)
        publish(first, batch, seq)
        if seq < 2:
            publish(second, batch, seq)
    publish(opened(outputs[0], "receiver_based"), [tweet(900, dice)], 0)
    for files, output in zip(outputs, OUTPUTS, strict=True):
        Follower(FromFiles(files), Store(store_path(tmp_path, output))).catch_up()
    yield Namespace(output=OUTPUTS, store=tmp_path, webhdfs="")


def test_the_columns_say_who_published_what(given: Namespace) -> None:
    shown = watch.figures(given)
    first, second = shown["outputs"]
    assert (first["batches"], second["batches"]) == (4, 2)
    (mark,) = first["marks"]
    assert (mark["kind"], mark["seq"], mark["by"]) == ("takeover", 3, "receiver_based")
    assert second["marks"] == []
    assert first["behind_s"] == 0 and second["behind_s"] >= 0
    assert [row["only"] for row in shown["coverage"]] == [[1, 0], [0, 0], [100, 0]]
    assert [row["both"] for row in shown["coverage"]] == [100, 100, 0]
    json.dumps(shown)


def test_a_restart_is_no_takeover() -> None:
    files = MemoryFiles()
    publish(opened(files), [tweet(1, Random(1))])
    publish(opened(files), [tweet(2, Random(1))])
    batches = [{"seq": s, "epoch": s, "approach": "direct", "at": s} for s in (1, 0)]
    assert [mark["kind"] for mark in jobs.marks(batches)] == ["restart"]


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_shows_both(given: Namespace, width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(watch.screen(given, width))
    said = console.export_text()
    assert "direct" in said and "receiver_based" in said and "takeover at 3" in said
    assert "located (" in said and "tweets[2]" in said
    assert max(len(line) for line in said.splitlines()) <= width


@pytest.mark.parametrize("to", [".png", ".svg", ".html"])
@pytest.mark.parametrize("mood", [False, True])
def test_the_picture_has_its_caption(given: Namespace, tmp_path: Path, to: str, mood: bool) -> None:
    path = store_path(given.store, OUTPUTS[0])
    data = heatmap.drawn(path, to, OUTPUTS[0], mood, 3)
    if to == ".png":
        (tmp_path / "map.png").write_bytes(data)
        with Image.open(tmp_path / "map.png") as picture:
            assert picture.size == (1200, 684)
            assert len(picture.getcolors(1 << 24) or []) > 20
        return
    text = data.decode()
    totals = View(path).totals(None)
    assert f"{totals['tweets']:,} tweets of 2026-11" in text and located(totals) in text
    if to == ".svg":
        ET.fromstring(text)
    else:
        assert "<script" not in text and "default-src 'none'" in text


def test_nothing_published_is_said(tmp_path: Path) -> None:
    Store(tmp_path / "a").begin(None)
    with pytest.raises(ConfigError, match="nothing is published"):
        heatmap.drawn(tmp_path / "a", ".svg", "hdfs://host/a", False, 3)


def test_no_place_is_said_with_its_share() -> None:
    assert "0 of 5 located" in located({"tweets": 5, "points": 0, "places": 0})
    assert "2 of 8 located (25.0%: 1 points" in located({"tweets": 8, "points": 1, "places": 1})


def test_strangers_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Nothing that they write reaches the terminal as a control character."""
    files, dice = MemoryFiles(), Random(1)
    publish(
        opened(files),
        [tweet(n, dice, lang=text, hashtags=[text]) for n, text in enumerate(HOSTILE)],
    )
    Follower(FromFiles(files), Store(store_path(tmp_path, OUTPUTS[0]))).catch_up()
    console = Console(width=120, record=True, file=io.StringIO())
    given = Namespace(output=OUTPUTS[:1], store=tmp_path, webhdfs="")
    console.print(watch.screen(given, 120))
    said = console.export_text()
    assert all(letter.isprintable() or letter == "\n" for letter in said)


@pytest.mark.parametrize("program", ["watch", "heatmap", "dashboard"])
def test_a_wrong_flag_is_exit_2(program: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / program), "--outputs", "x"]
    command += ["--to", "map.png"] * (program == "heatmap")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean --output?" in done.stderr
