"""What the tasks make of lines: bytes kept, rows erased, figures told; and the ids' times."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from config.errors import ConfigError
from consumers.tweets.parse import Deleted, Rejected, Tweet, parse, row
from tests.kit.hostile import odd
from tests.kit.published_output import records
from units import erasures, ids, rows, tasks
from units.tasks import Deletion

NOW = 1_800_000_000_000


def lines_of(found: Iterable[Any], first: int = 0) -> dict[bytes, list[bytes]]:
    """The lines of a batch's two files, of one partition."""
    out: dict[bytes, list[bytes]] = {b"t": [], b"r": []}
    for offset, record in enumerate(found, first):
        sentiment = record.sentiment if isinstance(record, Tweet) else None
        line = row("tweets", 0, offset, NOW + offset, record, sentiment)
        out[b"r" if isinstance(record, Rejected) else b"t"].append(line)
    return out


def packed(lines: dict[bytes, list[bytes]]) -> Iterator[bytes]:
    for folder, found in lines.items():
        if found:
            yield folder + gzip.compress(b"".join(line + b"\n" for line in found))


def made(blobs: Iterable[bytes]) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """The files that a task has written, and its summary."""
    files = {b"T": b"", b"R": b""}
    summary = {}
    for blob in blobs:
        if blob[:1] == b"S":
            summary = json.loads(blob[1:])
        else:
            files[blob[:1]] += blob[1:]
    tables = [
        rows.read(data) if data else rows.SCHEMAS[kind].empty_table()
        for kind, data in (("tweets", files[b"T"]), ("rejected", files[b"R"]))
    ]
    return tables[0], tables[1], summary


def tweet_of(line: bytes) -> bytes:
    return line.partition(b',"tweet":')[2][:-1]


def test_every_row_is_there_once_and_keeps_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "HELD_BYTES", 5000)  # several groups of rows
    lines = lines_of(records(Random(7), 0, 400))
    tweets, rejected, summary = made(tasks.compact({})(packed(lines)))
    by_offset = {json.loads(line)["kafka"]["offset"]: line for line in lines[b"t"]}
    found = {one["kafka"]["offset"]: one for one in tweets.to_pylist()}
    assert found.keys() == by_offset.keys() and len(tweets) == len(by_offset)
    for offset, one in found.items():
        wanted = json.loads(by_offset[offset])
        assert one["tweet"] == tweet_of(by_offset[offset])
        assert {name: one[name] for name in ("id", "deleted")} == {
            name: wanted.get(name) for name in ("id", "deleted")
        }
        assert (one["sentiment"] or {}) == wanted.get("sentiment", {})
    assert [one["raw"] for one in rejected.to_pylist()] == [b"{"] * len(lines[b"r"])
    deleted = sum(b'"deleted":true' in line for line in lines[b"t"])
    assert summary["counts"] == {
        "tweets": len(found) - deleted,
        "deleted": deleted,
        "rejected": len(rejected),
        "erased": 0,
    }
    assert summary["offsets"] == [["tweets", 0, 0, 400]] and not summary["twice"]
    assert len(summary["tombstones"]) == deleted


def test_rows_are_sorted_by_time() -> None:
    lines = lines_of(records(Random(3), 0, 300)[::-1])
    tweets, _, _ = made(tasks.compact({})(packed(lines)))
    times = [time for time in tweets["created_at"].to_pylist() if time]
    assert times == sorted(times) and len(times) > 250


def test_hostile_records_come_through() -> None:
    """Times that are none are null, as for Spark; nothing stops a task."""
    values = [one.value for one in odd() if one.value is not None]
    values += [
        b'{"data":{"id":"1","text":"a","created_at":"%s"}}' % time
        for time in (b"2026-13-45T99:00:00.000Z", b"yesterday", b"", b"99999-01-01T00:00:00.000Z")
    ]
    found = [parse(value, b"key", 1_000_000) for value in values]
    lines = lines_of(found)
    tweets, rejected, summary = made(tasks.compact({})(packed(lines)))
    assert len(tweets) + len(rejected) == len(values)
    assert sorted(tweets["tweet"].to_pylist()) == sorted(map(tweet_of, lines[b"t"]))
    raw = [one.raw for one in found if isinstance(one, Rejected)]
    assert sorted(rejected["raw"].to_pylist()) == sorted(raw)


def test_what_was_deleted_is_gone_and_the_rest_is_not() -> None:
    found = records(Random(5), 0, 200)
    whole = [one for one in found if isinstance(one, Tweet)]
    gone, later = whole[3], whole[4]
    assert later.created_at
    written = datetime.fromisoformat(later.created_at.replace("Z", "+00:00"))
    deletions = {
        gone.id: Deletion(NOW, "tombstone tweets[0] 5"),
        later.id: Deletion(int(written.timestamp() * 1000) - 1, "too early"),
        "never was": Deletion(NOW, "tombstone tweets[0] 6"),
    }
    lines = lines_of([*found, gone])  # and a copy of it
    tweets, rejected, summary = made(tasks.compact(deletions)(packed(lines)))
    assert summary["counts"]["erased"] == 2
    assert {(one[2], one[3]) for one in summary["erased"]} == {
        (found.index(gone), "tombstone tweets[0] 5"),
        (200, "tombstone tweets[0] 5"),
    }
    left = [one["id"] for one in tweets.to_pylist() if not one["deleted"]]
    assert gone.id not in left and later.id in left
    assert len(tweets) + len(rejected) == 199

    # the same by a revision of the unit
    before, rejected, _ = made(tasks.compact({})(packed(lines)))
    files = [
        folder + writer.write(one) + writer.close()
        for folder, one, writer in (
            (b"t", before, rows.Writer("tweets")),
            (b"r", rejected, rows.Writer("rejected")),
        )
        if len(one)
    ]
    assert list(tasks.search(deletions)(files)) == [b"1", b"0"]
    assert list(tasks.search({"never was": Deletion(NOW, "")})(files)) == [b"0", b"0"]
    after, _, again = made(tasks.rewrite(deletions)(files))
    assert after.sort_by("id")["tweet"] == tweets.sort_by("id")["tweet"]
    assert again["counts"] == summary["counts"]


def test_an_account_goes_with_all_its_posts() -> None:
    posts = [
        Tweet(id=f"did:plc:{who}/{n}", source="bluesky", author_id=f"did:plc:{who}", text="t")
        for who in ("one", "two")
        for n in range(3)
    ]
    deletions = {"did:plc:one": Deletion(NOW, "tombstone tweets[0] 9")}
    lines = lines_of([*posts, Deleted(id="did:plc:one")])
    tweets, _, summary = made(tasks.compact(deletions)(packed(lines)))
    assert summary["counts"] == {"tweets": 3, "deleted": 1, "rejected": 0, "erased": 3}
    assert set(tweets["author_id"].to_pylist()) == {"did:plc:two", None}


def test_ids_carry_their_times() -> None:
    """A snowflake from X's documentation, and a TID of one second after 2023."""
    at = datetime(2023, 1, 1, 0, 0, 1, tzinfo=timezone.utc)
    value, text = int(at.timestamp() * 1_000_000) << 10 | 7, ""
    while value or len(text) < 13:
        text = "234567abcdefghijklmnopqrstuvwxyz"[value & 31] + text
        value >>= 5
    found = ids.times_ms(
        pa.array(
            ["1212092628029698048", f"did:plc:x/{text}", "1234", None, "did:plc:x/self", "9" * 30]
        )
    )
    x = datetime.fromtimestamp(found[0] / 1000, timezone.utc)
    assert (x.year, x.month, x.day) == (2019, 12, 31)
    assert found[1] == int(at.timestamp() * 1000)
    assert set(found[2:].tolist()) == {ids.UNKNOWN}


def test_a_list_is_read_as_people_write_it(tmp_path: Any) -> None:
    path = tmp_path / "ids"
    path.write_text(
        '17\n\n did:plc:x/3k \n{"id":"18","action":"delete","reason":"deleted"}\n'
        '{"id":"19","action":"edit"}\n17\n'
    )
    assert erasures.ids_in(str(path)) == ["17", "did:plc:x/3k", "18"]
    for wrong in ("", "two words\n", '{"action":"delete"}\n', "{\n"):
        path.write_text(wrong)
        with pytest.raises(ConfigError):
            erasures.ids_in(str(path))


def test_a_damaged_file_is_an_error() -> None:
    with pytest.raises((OSError, EOFError, pa.ArrowInvalid)):
        list(tasks.compact({})([b"t" + gzip.compress(b"{" * 100)[:-12]]))
    with pytest.raises(pa.ArrowInvalid):
        list(tasks.rewrite({})([b"t" + io.BytesIO(b"PAR1").getvalue()]))
