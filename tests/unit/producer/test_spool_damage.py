"""A spool whose disk fails or whose files are damaged: what was forced to the disk is there at the
next start, or it is said."""

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError, DataLossRisk, PipelineError
from producer.spool.segments import decode
from producer.spool.spool import SMALLEST_BYTES, Spool
from tests.conftest import wait_until
from tests.unit.producer.test_spool import opened, put, segment_files, taken


def numbered(count: int, size: int = 100) -> list[tuple[bytes, bytes, str]]:
    """Records that no two are alike, each with a position."""
    noise = random.Random(1)
    return [(b"%d" % n, noise.randbytes(size), f"p{n}") for n in range(count)]


def keys(own: Spool) -> list[bytes | None]:
    return [entry.key for entry in taken(own)]


def failing_once(name: str, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The next call of os.`name` fails, the ones after it say that all is well: so does Linux after
    a failed fsync."""
    real: Callable[..., Any] = getattr(os, name)
    failed: list[bool] = []

    def once(*arguments: Any) -> Any:
        if not failed:
            failed.append(True)
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(os, name, once)


@pytest.mark.parametrize("call", ["fsync", "pwrite"])
def test_nothing_is_written_behind_a_group_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Otherwise the next start continues behind a position whose records are not there."""
    one, two, three = numbered(3)
    with opened(tmp_path) as own:
        put(own, [one])
        failing_once(call, monkeypatch, errno.EIO)
        own.append(*two)
        with pytest.raises(
            PipelineError, match="the spool cannot be written: Input/output error"
        ) as raised:
            wait_until(lambda: not own.has_room, 10, "the failure is raised")
        assert raised.value.exit_code == 1 and str(tmp_path) in str(raised.value)
        own.append(*three)
        own.close()
        assert (own.unwritten, own.position) == (2, "p0")
        monkeypatch.undo()
        with opened(tmp_path) as again:
            assert (keys(again), again.position) == ([b"0"], "p0")
        own.close = lambda: None  # type: ignore[method-assign]


def test_a_group_that_a_full_disk_refused_is_written_over_another_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as own:
        put(own, numbered(1))
        failing_once("fsync", monkeypatch, errno.ENOSPC)
        put(own, numbered(3)[1:])
        assert own.has_room
    with opened(tmp_path) as own:
        assert (keys(own), own.position) == ([b"0", b"1", b"2"], "p2")


def test_what_a_killed_run_had_not_forced_is_forced_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system shows it, the disk may not have it, and reading continues behind its position."""
    with opened(tmp_path) as own:
        put(own, numbered(1))
        (known,) = segment_files(tmp_path)
        before = (tmp_path / "forced").read_bytes(), known.stat().st_size
        put(own, numbered(2)[1:])
    (tmp_path / "forced").write_bytes(before[0])
    written: list[tuple[int, int]] = []
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, at: int) -> int:
        written.append((len(data), at))
        return real(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with opened(tmp_path) as own:
        assert (known.stat().st_size - before[1], before[1]) in written
        assert keys(own) == [b"0", b"1"]


def test_a_flipped_bit_in_the_only_segment_is_damage(tmp_path: Path) -> None:
    """Cut off as an unfinished write it would cost all records behind it."""
    with opened(tmp_path) as own:
        put(own, numbered(300))
    (file,) = segment_files(tmp_path)
    whole = file.read_bytes()
    for known in (True, False):
        if not known:
            (tmp_path / "forced").unlink()  # then the whole records behind the damage tell
        for at in [
            *range(0, len(whole) // 2, 1999),
            *(range(len(whole) - 150, len(whole)) if known else ()),
        ]:
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(
                DataLossRisk, match=rf"the spool is damaged at {file} at byte \d+\n.*truncate|move"
            ) as raised:
                Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)
            assert raised.value.exit_code == 3
            assert file.stat().st_size == len(whole), "nothing is cut"
    file.write_bytes(whole)
    with opened(tmp_path) as own:
        assert own.found == 300


def test_the_remedy_for_a_damaged_spool_works(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        put(own, numbered(100))
    (file,) = segment_files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:5000] + b"\x00" + whole[5001:])
    with pytest.raises(DataLossRisk) as raised:
        Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)
    sound = int(raised.value.where.rpartition(" ")[2])
    os.truncate(file, sound)
    (tmp_path / "forced").unlink()
    with opened(tmp_path) as own:
        assert 0 < own.found < 100 and own.position == f"p{own.found - 1}", (
            "what is behind the damage is asked for again"
        )


@pytest.mark.parametrize("lost", [1, 50, 5000, 10_000_000])
def test_forced_bytes_that_are_gone_are_missed(tmp_path: Path, lost: int) -> None:
    with opened(tmp_path) as own:
        put(own, numbered(100))
    (file,) = segment_files(tmp_path)
    size = file.stat().st_size
    if lost > size:
        file.unlink()
    else:
        os.truncate(file, size - lost)
    with pytest.raises(DataLossRisk, match="the spool is damaged"):
        Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)


def test_a_segment_cut_between_two_records_is_damage_wherever_it_is(tmp_path: Path) -> None:
    """Nothing in it is unsound then, and nothing says that more was there but what is known to be
    forced."""
    for first in (0, 10):
        with opened(tmp_path) as own:
            put(own, numbered(20)[first : first + 10])
    for file in segment_files(tmp_path):
        whole = file.read_bytes()
        ends = [end for end, _ in decode(whole)]
        for end in ends[:-1]:
            file.write_bytes(whole[:end])
            with pytest.raises(
                DataLossRisk, match=f"the spool is damaged at {file} at byte {end}\n"
            ):
                Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)
        file.write_bytes(whole)


@pytest.mark.parametrize("cut", [0, 1, 10])
def test_an_owner_cut_short_by_a_kill_is_written_again(tmp_path: Path, cut: int) -> None:
    with opened(tmp_path, "search for tweets on one:9092"):
        pass
    whole = (tmp_path / "lock").read_bytes()
    (tmp_path / "lock").write_bytes(whole[:cut])
    with opened(tmp_path, "search for tweets on one:9092"):
        assert (tmp_path / "lock").read_bytes() == whole
    with pytest.raises(ConfigError, match="on one:9092, not of search for tweets on one:90921"):
        Spool(tmp_path, "search for tweets on one:90921", SMALLEST_BYTES)


def test_acknowledgements_behind_a_torn_one_are_read(tmp_path: Path) -> None:
    """Appended behind the fragment they could not be, and all of them would be sent once more after
    each crash."""
    with opened(tmp_path) as own:
        put(own, numbered(9))
        own.cross_off([0, 1])
    with (tmp_path / "acknowledged").open("ab") as file:
        file.write(b"\x01" * 7)
    with opened(tmp_path) as own:
        assert keys(own) == [b"%d" % n for n in range(2, 9)]
        own.cross_off(range(2, 9))
    with opened(tmp_path) as own:
        assert own.found == 0


def test_a_damaged_acknowledgement_costs_only_itself(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        put(own, numbered(9))
        for number in (0, 2, 4, 6):
            own.cross_off([number])
    file = tmp_path / "acknowledged"
    data = bytearray(file.read_bytes())
    data[25] ^= 1
    file.write_bytes(data)
    for _ in range(2):
        with opened(tmp_path) as own:
            assert keys(own) == [b"1", b"2", b"3", b"5", b"7", b"8"]


def test_another_question_begins_without_a_position(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would go on behind the last post of the other one. What waits is sent all the same."""

    def asked(digest: str) -> Spool:
        return Spool(tmp_path, "search for tweets", SMALLEST_BYTES, digest)

    coffee = asked("coffee")
    put(coffee, numbered(3))
    coffee.close()
    again = asked("coffee")
    assert (again.position, caplog.text) == ("p2", "")
    again.close()
    for records in ([], [(b"no", b"position", "")]):
        tea = asked("tea")
        assert (tea.position, keys(tea)) == ("", [b"0", b"1", b"2"])
        assert "the source starts without the position" in caplog.text
        put(tea, records)
        tea.close()
        caplog.clear()
    tea = asked("tea")
    assert (tea.position, caplog.text, tea.found) == ("", "", 4), (
        "an old position does not come back"
    )
    put(tea, [(b"tea", b"", "t1")])
    tea.close()
    tea = asked("tea")
    assert tea.position == "t1"
    tea.close()


def test_another_cluster_is_refused_and_told_how_to_go_on(tmp_path: Path) -> None:
    with opened(tmp_path, "search for tweets on one:9092") as own:
        put(own, numbered(1))
    with pytest.raises(
        ConfigError, match="on one:9092, not of search for tweets on two:9092"
    ) as raised:
        Spool(tmp_path, "search for tweets on two:9092", SMALLEST_BYTES)
    assert "under another address" in raised.value.remedy
    (tmp_path / "lock").unlink()
    with opened(tmp_path, "search for tweets on two:9092") as own:
        assert own.found == 1


@pytest.mark.parametrize(
    ("number", "kind", "code"), [(errno.EIO, PipelineError, 1), (errno.EACCES, ConfigError, 2)]
)
def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[PipelineError],
    code: int,
) -> None:
    with opened(tmp_path) as own:
        put(own, numbered(1))
    for name in ("scandir", "listdir"):
        failing_once(name, monkeypatch, number)
    with pytest.raises(kind, match="the spool cannot be used") as raised:
        Spool(tmp_path, "sample for tweets", SMALLEST_BYTES)
    assert raised.value.exit_code == code
