"""Replay: the bytes of each line, untouched; the tweets of pages and arrays."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigError, PipelineError
from consumers.tweets.parse import Tweet, parse
from producer.sources import Record, replay
from producer.sources.replay import Replay
from tests.conftest import ROOT

DATA = Path(__file__).resolve().parents[2] / "data"
LINES = [b'{"id":"1"}', b' {"id" : "2"}\t', b"not JSON \xff", b'{"id":"3"}']


def test_lines_as_they_are_whatever_ends_them(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(
        LINES[0] + b"\r\n" + LINES[1] + b"\n\n   \n" + LINES[2] + b"\r\n\r\n" + LINES[3]
    )
    found = Replay(str(file))
    assert list(found) == [
        Record("1", LINES[0]),
        Record("2", LINES[1]),
        Record(None, LINES[2]),
        Record("3", LINES[3]),
    ]
    assert found.skipped == 3


@pytest.mark.parametrize(
    ("name", "ids", "tombstones"),
    [
        (
            "tweets_x_v2.jsonl",
            ["2006515713472203136", "2006515713488981864", "2006515713501564837"],
            [],
        ),
        (
            "tweets_x_v2.jsonl.gz",
            ["2006515713472203136", "2006515713488981864", "2006515713501564837"],
            [],
        ),
        (
            "tweets_x_v1.jsonl",
            ["2006515713551895488", "2006515713560284160", "2006515713551895488"],
            [2],
        ),
        (
            "tweets_bluesky.jsonl",
            ["did:plc:invented1/3linvented1", "did:plc:invented1/3linvented1", None],
            [1],
        ),
    ],
)
def test_every_known_shape(name: str, ids: list[str | None], tombstones: list[int]) -> None:
    records = list(Replay(str(DATA / name)))
    lines = (DATA / name.removesuffix(".gz")).read_bytes().splitlines()
    assert [id for id, *_ in records] == ids
    assert [value for _, value, _ in records] == [
        None if n in tombstones else line for n, line in enumerate(lines)
    ]


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


@pytest.mark.parametrize(
    "content", [b"\n".join(LINES) + b"\n", b'[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}]']
)
def test_nothing_before_the_cut_is_withheld(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "tweets.gz"
    file.write_bytes(gzip.compress(content)[:-8])  # its trailer
    got = []
    with pytest.raises(PipelineError, match="damaged or cut off"):
        for record in Replay(str(file)):
            got.append(record)
    assert len(got) == 4


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


PAGE = {
    "data": [
        {
            "id": "1",
            "text": "a",
            "author_id": "u1",
            "geo": {"place_id": "p1"},
            "attachments": {"media_keys": ["m1"]},
        },
        {
            "id": "2",
            "text": "RT b…",
            "author_id": "u2",
            "referenced_tweets": [{"type": "retweeted", "id": "9"}],
        },
        {"id": "3", "text": "c"},
    ],
    "includes": {
        "users": [
            {"id": "u1", "username": "one"},
            {"id": "u2", "username": "two"},
            {"id": "u9", "username": "nine"},
        ],
        "tweets": [{"id": "9", "text": "b in full", "author_id": "u9"}],
        "places": [{"id": "p1", "full_name": "Wien"}, {"id": "p2", "full_name": "Bern"}],
        "media": [{"media_key": "m1", "type": "photo"}],
    },
    "meta": {"result_count": 3},
    "__twarc": {"version": "2.14.0"},
}


def test_a_page_of_twarc2_is_its_tweets_each_with_the_includes_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "page.jsonl"
    page = json.dumps(PAGE, ensure_ascii=False).encode()
    file.write_bytes(page + b"\n" + LINES[0] + b"\n")
    records = list(Replay(str(file)))
    assert [record.id for record in records] == ["1", "2", "3", "1"]
    tweets = [json.loads(record.value or b"") for record in records]
    assert [tweet["data"] for tweet in tweets[:3]] == PAGE["data"]
    users, tweet, places, media = (
        PAGE["includes"][kind] for kind in ("users", "tweets", "places", "media")
    )
    assert tweets[0]["includes"] == {"users": users[:1], "places": places[:1], "media": media}
    assert tweets[1]["includes"] == {"users": users[1:], "tweets": tweet}, (
        "the repost's whole text, and who wrote it"
    )
    assert "includes" not in tweets[2]
    assert json.dumps(PAGE["data"][0]).encode() in (records[0].value or b""), (
        "its bytes are those of the page"
    )
    assert records[3].value == LINES[0]
    parsed = parse(records[0].value, b"1", 10**6)
    assert isinstance(parsed, Tweet) and (parsed.author, parsed.place) == ("one", "Wien")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("chunk", [1, 7, 256 * 1024])
def test_arrays(
    tmp_path: Path, chunk: int, indent: int | None, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "CHUNK_BYTES", chunk)
    tweets = [
        {"id": str(n), "text": 'a "quoted" ]}[{ \\ text', "tags": [[], {}]} for n in range(20)
    ]
    text = (
        b"\xef\xbb\xbf"
        + json.dumps([*tweets, PAGE], indent=indent).encode()
        + b" \n"
        + json.dumps(tweets[:1]).encode()
    )
    file = tmp_path / "tweets.json"
    file.write_bytes(gzip.compress(text) if packed else text)
    records = list(Replay(str(file)))
    assert [record.id for record in records] == [*map(str, range(20)), "1", "2", "3", "0"]
    assert records[7].value == json.dumps(tweets[7]).encode() or indent
    assert json.loads(records[7].value or b"") == tweets[7]


def test_a_byte_order_mark_is_not_part_of_the_first_tweet(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + LINES[0] + b"\n" + LINES[3])
    assert list(Replay(str(file))) == [Record("1", LINES[0]), Record("3", LINES[3])]


@pytest.mark.parametrize(
    ("content", "line", "before"),
    [
        (b"\n\nid,text\n1,hello\n", 3, 0),
        (b'{\n  "id": "1",\n  "text": "pretty"\n}\n', 1, 0),
        (b"id\n" * 50, 1, 0),
        ("\ufeff{}".encode("utf-16"), 1, 0),
        (b"[1, 2]", 1, 0),
        (b'["a"]', 1, 0),
        (b'[{"id":"1"}\n{"id":"2"}]', 2, 1),
        (b'[{"id":"1"},\n\n{"id":"2"', 3, 1),
        (b'[{"id":"1"},\n{"id":"2"}] trailing', 2, 2),
        (b'[{"id":"1"}]\n{"id":"2"}', 2, 1),
        (b'[{"id":"1"}]]', 1, 1),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(
    content: bytes, line: int, before: int, tmp_path: Path
) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    got = []
    with pytest.raises(ConfigError) as raised:
        for record in Replay(str(file)):
            got.append(record)
    assert raised.value.where == f"{file}, line {line}"
    assert raised.value.exit_code == 2
    assert len(got) == before


def test_bad_lines_before_a_good_one_are_handed_on(tmp_path: Path) -> None:
    """A file that was cut begins with half a tweet: it is still JSON Lines."""
    file = tmp_path / "tail.jsonl"
    file.write_bytes(b'"text":"half"}\n' + LINES[0] + b"\n" + b"not JSON\n" * 20)
    assert [record.id for record in Replay(str(file))] == [None, "1", *[None] * 20]


def test_a_large_array_is_read_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    element = b'{"id":"1","text":"' + b"x" * 10_000 + b'"}'
    file.write_bytes(b"[" + b",\n".join([element] * 3_000) + b"]")
    code = (
        "import sys, tracemalloc; from producer.sources.replay import Replay; tracemalloc.start(); "
        "print(sum(1 for _ in Replay(sys.argv[1])), tracemalloc.get_traced_memory()[1])"
    )
    # in a process of its own: here the threads of other tests would count too
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    records, peak = map(int, done.stdout.split())
    assert records == 3_000
    assert peak < file.stat().st_size / 3


@pytest.mark.parametrize("content", [b'[{"id":"%b"}]', b'{"id":"%b"}'])
def test_what_is_too_large_for_memory_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LARGEST_BYTES", 100_000)
    monkeypatch.setattr(replay, "CHUNK_BYTES", 1_000)
    file = tmp_path / "large"
    file.write_bytes(content % (b"1" * 200_000))
    with pytest.raises(ConfigError, match="of more than 100,000 bytes"):
        list(Replay(str(file)))
