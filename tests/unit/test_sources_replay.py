"""Replay: the bytes of each line, untouched."""

import gzip
from pathlib import Path

import pytest

from config.errors import ConfigError, PipelineError
from producer.sources import Record
from producer.sources.replay import Replay

DATA = Path(__file__).resolve().parent.parent / "data"
LINES = [b'{"id":"1"}', b' {"id" : "2"}\t', b"not JSON \xff", b'{"id":"3"}']


def test_lines_as_they_are_whatever_ends_them(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(LINES[0] + b"\r\n" + LINES[1] + b"\n\n   \n" + LINES[2] + b"\r\n\r\n" + LINES[3])
    replay = Replay(str(file))
    assert list(replay) == [Record("1", LINES[0]), Record("2", LINES[1]), Record(None, LINES[2]), Record("3", LINES[3])]
    assert replay.skipped == 3


@pytest.mark.parametrize(
    ("name", "ids", "tombstones"),
    [
        ("tweets_x_v2.jsonl", ["2006515713472203136", "2006515713488981864", "2006515713501564837"], []),
        ("tweets_x_v2.jsonl.gz", ["2006515713472203136", "2006515713488981864", "2006515713501564837"], []),
        ("tweets_x_v1.jsonl", ["2006515713551895488", "2006515713560284160", "2006515713551895488"], [2]),
        ("tweets_bluesky.jsonl", ["did:plc:invented1/3linvented1", "did:plc:invented1/3linvented1", None], [1]),
    ],
)
def test_every_known_shape(name: str, ids: list[str | None], tombstones: list[int]) -> None:
    records = list(Replay(str(DATA / name)))
    lines = (DATA / name.removesuffix(".gz")).read_bytes().splitlines()
    assert [id for id, *_ in records] == ids
    assert [value for _, value, _ in records] == [None if n in tombstones else line for n, line in enumerate(lines)]


def test_gzip_is_known_by_its_first_bytes_not_its_name(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(gzip.compress(LINES[0] + b"\n") + gzip.compress(LINES[3] + b"\n"))
    assert list(Replay(str(file))) == [Record("1", LINES[0]), Record("3", LINES[3])]


def test_cut_off_gzip_gives_what_is_there_and_then_says_so(tmp_path: Path) -> None:
    file = tmp_path / "tweets.gz"
    lines = [b'{"id":"%d"}' % n for n in range(5_000)]
    file.write_bytes(gzip.compress(b"\n".join(lines) + b"\n")[:-40])
    records = iter(Replay(str(file)))
    assert [next(records)[1] for _ in range(4_000)] == lines[:4_000]
    with pytest.raises(PipelineError, match="damaged or cut off"):
        list(records)


def test_loop_begins_again(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b'{"id":"1"}\n{"id":"2"}\n')
    records = iter(Replay(str(file), loop=True))
    assert [next(records)[0] for _ in range(5)] == ["1", "2", "1", "2", "1"]


def test_loop_over_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.write_bytes(b"\n\n")
    with pytest.raises(ConfigError, match="nothing in the file"):
        next(iter(Replay(str(file), loop=True)))


@pytest.mark.parametrize("path", ["", "/nowhere/tweets.jsonl", "/"])
def test_unreadable_file_is_said_at_once(path: str) -> None:
    with pytest.raises(ConfigError):
        Replay(path)


def test_standard_input_cannot_loop() -> None:
    with pytest.raises(ConfigError, match="cannot be read twice"):
        Replay("-", loop=True)
