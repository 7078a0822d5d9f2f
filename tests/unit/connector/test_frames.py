"""decode() against frames packed by hand."""

import random
import struct
import subprocess
from pathlib import Path

import pytest

from kafka_dstreams import Record, decode, frames
from tests.kit.frame_bytes import Row, pack
from tests.kit.java_programs import java_program


def test_nulls_and_empty_strings_are_not_the_same() -> None:
    frame = decode(
        pack(
            "t",
            3,
            [(5, 10, None, b""), (6, 11, b"", None), (9, 12, b"k", b"value"), (10, -1, None, None)],
        )
    )
    assert (frame.topic, frame.partition) == ("t", 3)
    assert frame.offsets == (5, 6, 9, 10)
    assert frame.timestamps == (10, 11, 12, -1)
    assert frame.keys == [None, b"", b"k", None]
    assert frame.values == [b"", None, b"value", None]
    assert frame.headers is None


def test_records_are_the_rows() -> None:
    assert decode(pack("t", 1, [(5, 10, b"a", b"1"), (6, 11, None, b"2")])).records() == [
        Record("t", 1, 5, 10, b"a", b"1"),
        Record("t", 1, 6, 11, None, b"2"),
    ]


def test_a_topic_of_more_bytes_than_letters() -> None:
    frame = decode(pack("naïve-ツイート", 0, [(0, 0, b"k", "ü".encode())]))
    assert frame.topic == "naïve-ツイート"
    assert (frame.keys, frame.values) == ([b"k"], ["ü".encode()])


def test_large_numbers_and_no_records() -> None:
    last = 2**63 - 1
    assert decode(pack("t", 2**31 - 1, [(last, last, None, b"x")])).records() == [
        Record("t", 2**31 - 1, last, last, None, b"x")
    ]
    assert decode(pack("t", 0, [])).records() == []


def test_any_records() -> None:
    chance = random.Random(3)

    def some_bytes() -> bytes | None:
        return None if chance.random() < 0.2 else chance.randbytes(chance.randrange(40))

    for _ in range(200):
        rows: list[Row] = [
            (offset, chance.randrange(2**40), some_bytes(), some_bytes())
            for offset in sorted(chance.sample(range(10**6), chance.randrange(1, 30)))
        ]
        assert decode(pack("topic", 7, rows)).records() == [
            Record("topic", 7, *row) for row in rows
        ]


def headers(*records: list[tuple[bytes, bytes | None]]) -> bytes:
    """The headers of these records: for each their number, then each name and value with its
    length."""
    out = b""
    for pairs in records:
        out += struct.pack("<i", len(pairs))
        for part in (part for pair in pairs for part in pair):
            out += struct.pack("<i", -1 if part is None else len(part)) + (part or b"")
    return out


def test_headers_follow_the_values_where_the_flag_says_so() -> None:
    data = pack("t", 0, [(0, 0, b"k", b"v"), (1, 0, None, None)], flags=1)
    frame = decode(data + headers([("ü".encode(), b"1"), (b"a", None), (b"a", b"")], []))
    assert frame.values == [b"v", None]
    assert frame.headers == [[("ü", b"1"), ("a", None), ("a", b"")], []]
    assert [record.headers for record in frame.records()] == frame.headers


@pytest.mark.parametrize("magic", [b"KFR2", b"\x00\x00\x00\x00", b'{"id'])
def test_what_does_not_begin_like_a_frame(magic: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        decode(pack("t", 0, [(0, 0, None, b"x")], magic=magic))


def test_a_receiver_stores_frames_compressed_and_still_reads_those_that_are_not(
    tmp_path: Path,
) -> None:
    tweets = pack(
        "t",
        0,
        [(k, 10, b"k", b'{"data":{"id":"%d","text":"Good morning!"}}' % k) for k in range(1000)],
    )
    frames = [
        tweets,
        pack("t", 0, [(0, 0, None, random.Random(1).randbytes(100_000))]),
        pack("t", 0, [(0, 0, None, None)]),
    ]
    files = [tmp_path / str(k) for k in range(len(frames))]
    for file, frame in zip(files, frames, strict=True):
        file.write_bytes(frame)
    command = [*java_program("StoredFrames", tmp_path), *files]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[1:] for line in said] == [["true", "true"]] * 3
    assert int(said[0].split()[0]) * 3 < len(tweets)


def test_what_is_packed_is_read_again() -> None:
    columns = ([5, 6, 7], [10, -1, 2**60], [b"k", None, b""], [None, b"", b"value" * 9])
    for headers in (None, [[], [("a", b"1"), ("a", None)], [("ä", b"")]]):
        frame = decode(frames.pack("töpic", *columns, headers))
        assert frame.topic == "töpic" and frame.partition == 0
        assert (list(frame.offsets), list(frame.timestamps)) == columns[:2]
        assert (frame.keys, frame.values) == columns[2:]
        assert frame.headers == headers
