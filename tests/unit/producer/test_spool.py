"""The spool: what is on its disk comes back after whatever ended the producer, and only what was
crossed off does not."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.errors import ConfigError, DataLossRisk, PipelineError
from producer.spool import spool
from producer.spool.backlog import Entry
from producer.spool.spool import SMALLEST_BYTES, Spool
from tests.conftest import wait_until

RECORDS = [
    (b"1", b"one", "p1"),
    (None, b"no id", ""),
    (b"3", None, "p3"),
    (b"4", b"", ""),
    ("ключ".encode(), b"\x00" * 300_000, ""),
]


@contextmanager
def opened(
    folder: Path, owner: str = "sample for tweets", max_bytes: int = SMALLEST_BYTES
) -> Iterator[Spool]:
    own = Spool(folder, owner, max_bytes)
    try:
        yield own
    finally:
        own.close()


def put(own: Spool, records: list[tuple[bytes | None, bytes | None, str]]) -> None:
    """Append the records and wait until they are on the disk."""
    for record in records:
        own.append(*record)
    wait_until(lambda: own.unwritten == 0, 10, "the records are on the disk")


def taken(own: Spool) -> list[Entry]:
    """Everything there is to take."""
    found: list[Entry] = []
    while entries := own.take(0):
        found += entries
    return found


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def test_what_is_not_crossed_off_comes_back_in_order(tmp_path: Path) -> None:
    expected = [Entry(number, key, value) for number, (key, value, _) in enumerate(RECORDS)]
    with opened(tmp_path) as own:
        put(own, RECORDS)
        assert taken(own) == expected
        own.cross_off([1, 3])
        assert (own.waiting, own.position) == (3, "p3")
    with opened(tmp_path) as own:
        assert (own.found, own.waiting, own.position) == (3, 3, "p3")
        put(own, [(b"6", b"six", "")])
        assert taken(own) == [*(expected[n] for n in (0, 2, 4)), Entry(5, b"6", b"six")]
        own.cross_off([4, 5])
        own.rewind()
        assert [entry.number for entry in taken(own)] == [0, 2]
        own.cross_off([0, 2])
    with opened(tmp_path) as own:
        assert (own.found, taken(own), own.position) == (0, [], "p3")
        put(own, [(b"7", b"seven", "")])
        assert [entry.number for entry in taken(own)] == [6]
        assert len(segment_files(tmp_path)) == 2
        own.cross_off([6])
        assert len(segment_files(tmp_path)) == 1
    with opened(tmp_path) as own:
        assert own.position == "p3", "the position outlives the records that brought it"


def test_a_write_cut_anywhere_costs_only_itself(tmp_path: Path) -> None:
    with opened(tmp_path / "whole") as own:
        put(own, RECORDS[:2])
        before = segment_files(tmp_path / "whole")[0].stat().st_size
        put(own, [(b"torn", b"record", "p9")])
    whole = segment_files(tmp_path / "whole")[0].read_bytes()
    for cut in range(before, len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / segment_files(tmp_path / "whole")[0].name).write_bytes(whole[:cut])
        with opened(folder) as own:
            assert [entry.key for entry in taken(own)] == [b"1", None]
            assert own.position == "p1"
            put(own, [(b"next", b"value", "")])
            assert taken(own)[-1].key == b"next"
            own.cross_off([own.waiting - 1])
        with opened(folder) as own:
            assert len(taken(own)) == own.found == 2


@pytest.mark.parametrize("damage", [b"\x00" * 40, b"\xff" * 40])
def test_garbage_behind_a_power_loss_is_cut_off(tmp_path: Path, damage: bytes) -> None:
    with opened(tmp_path) as own:
        put(own, RECORDS)
    with segment_files(tmp_path)[-1].open("ab") as file:
        file.write(damage)
    with opened(tmp_path) as own:
        assert own.found == len(RECORDS)


def test_damage_in_the_middle_is_said_and_nothing_is_skipped(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path) as own:
            put(own, RECORDS)
    first = segment_files(tmp_path)[0]
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    with pytest.raises(DataLossRisk, match="the spool is damaged"):
        Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)


def test_damaged_acknowledgements_are_sent_again(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        put(own, RECORDS)
        own.cross_off([0])
        own.cross_off([2, 3, 4])
    file = tmp_path / "acknowledged"
    file.write_bytes(file.read_bytes()[:-1])
    with opened(tmp_path) as own:
        assert [entry.number for entry in taken(own)] == [1, 2, 3, 4]


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    """Else an old acknowledgement would cross off a new record."""
    with opened(tmp_path) as own:
        put(own, RECORDS)
        own.cross_off(range(5))
    for file in (*segment_files(tmp_path), tmp_path / "forced"):
        file.unlink()
    with opened(tmp_path) as own:
        put(own, [(b"new", b"record", "")])
        assert [entry.number for entry in taken(own)] == [5]


def test_full_stops_reading_until_something_is_crossed_off(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        sent = 0
        while own.has_room:
            put(own, [(b"key", b"x" * 300_000, "")])
            sent += 1
        size = sum(file.stat().st_size for file in segment_files(tmp_path))
        assert SMALLEST_BYTES <= size < SMALLEST_BYTES + 300_100
        assert "the spool is full" in own.trouble
        entries = taken(own)
        assert len(entries) == sent
        own.cross_off([entry.number for entry in entries[: sent // 2]])
        own.wait_for_room(0)
        assert own.has_room and own.trouble == ""
        assert sum(file.stat().st_size for file in segment_files(tmp_path)) < size
        own.cross_off([entry.number for entry in entries[sent // 2 :]])
        assert (own.waiting, len(segment_files(tmp_path))) == (0, 1)


def test_full_disk_stops_reading_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = os.pwrite, [False]

    def pwrite(descriptor: int, data: bytes, at: int) -> int:
        if full[0] and len(data) < 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:50], at) if full[0] else real(descriptor, data, at)

    monkeypatch.setattr(spool, "RETRY_S", 0.01)
    with opened(tmp_path) as own:
        put(own, RECORDS[:1])
        monkeypatch.setattr(os, "pwrite", pwrite)
        full[0] = True
        own.append(b"2", b"y" * 200)
        wait_until(lambda: "disk is full" in own.trouble, 10, "the full disk is said")
        assert not own.has_room
        assert own.unwritten == 1
        own.append(b"3", b"the one in hand")
        full[0] = False
        wait_until(lambda: own.has_room and own.unwritten == 0, 10, "there is room again")
        assert [entry.key for entry in taken(own)] == [b"1", b"2", b"3"]
    with opened(tmp_path) as own:
        assert [entry.key for entry in taken(own)] == [b"1", b"2", b"3"]


def test_full_disk_under_the_acknowledgements_only_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened(tmp_path) as own:
        put(own, RECORDS)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", no_room)
            patch.setattr(Path, "write_bytes", no_room)
            own.cross_off([0, 1])
        assert own.waiting == 3
        own.cross_off([2])
    with opened(tmp_path) as own:
        assert [entry.number for entry in taken(own)] == [3, 4], (
            "the file was written again when there was room"
        )


def test_failed_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with opened(tmp_path) as own:
        monkeypatch.setattr(os, "pwrite", broken)
        own.append(b"1", b"one")
        with pytest.raises(PipelineError, match="cannot be written"):
            wait_until(lambda: not own.has_room, 10, "the failure is raised")
        assert own.unwritten == 1


def test_two_producers_never_share_a_spool(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ConfigError, match="another producer"):
        Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)
    with pytest.raises(ConfigError, match="holds records of sample for tweets"):
        Spool(tmp_path, "stream for tweets", SMALLEST_BYTES)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="the spool cannot be used"):
        Spool(tmp_path / "file", "sample for tweets", SMALLEST_BYTES)
    with pytest.raises(ConfigError, match="too small"):
        Spool(tmp_path / "small", "sample for tweets", 1000)


def test_the_acknowledged_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "ACKNOWLEDGED_BYTES", 100)
    with opened(tmp_path) as own:
        put(own, [(b"k", b"v", "")] * 100)
        for number in range(0, 100, 2):
            own.cross_off([number])
        for number in range(1, 99, 2):
            own.cross_off([number])
        assert own.waiting == 1
    assert (tmp_path / "acknowledged").stat().st_size <= 200
    with opened(tmp_path) as own:
        assert [entry.number for entry in taken(own)] == [99]
