"""What the experiments count: planted losses and doubles are found and shown."""

from pathlib import Path

import pytest

from experiments.jobs import stint
from experiments.lab import table
from experiments.ranges import as_ranges
from experiments.streams import all_last_ones, counted

END = {(part, offset) for part in (0, 1) for offset in range(5)}


def write(file: Path, places: list[tuple[int, int]]) -> Path:
    file.write_text("".join(f"{part} {offset}\n" for part, offset in places))
    return file


def test_ranges_are_half_open_and_end_with_their_partition() -> None:
    assert as_ranges([(0, 1), (0, 2), (0, 4), (1, 5)]) == ["0:[1, 3)", "0:[4, 5)", "1:[5, 6)"]
    assert as_ranges([]) == []


def test_planted_losses_and_doubles_are_counted(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", sorted(END))
    assert counted(whole, END) == {
        "in Kafka": 10, "written": 10, "lost": 0, "twice": 0, "lost ranges": "-",
    }  # fmt: skip
    planted = [*sorted(END - {(0, 2), (0, 3)}), (1, 0)]
    found = counted(write(tmp_path / "planted", planted), END)
    assert (found["lost"], found["twice"], found["lost ranges"]) == (2, 1, "0:[2, 4)")


def test_it_waits_for_the_last_record_of_each_partition(tmp_path: Path) -> None:
    assert not all_last_ones(tmp_path / "none yet", END, "")
    assert not all_last_ones(write(tmp_path / "one", [(0, 4), (1, 3)]), END, "")
    assert all_last_ones(write(tmp_path / "both", [(0, 4), (1, 4)]), END, "")


def test_a_drivers_batches_are_read_from_its_log() -> None:
    said = (
        "18:32:58 batch 3: t[2] [0, 51) t[0] [5, 7), 53 tweets, 0 deleted, 0 rejected, 3.9 s\n"
        "18:33:00 batch 4: t[2] [51, 60), 9 tweets, 0 deleted, 0 rejected, 0.3 s\n"
    )
    assert stint("direct", said, "Ctrl-C") == {
        "approach": "direct", "ended by": "Ctrl-C", "batches": "3 to 4", "tweets": 62,
        "lost": "-", "duplicated": "-",
    }  # fmt: skip
    assert stint("direct", said.splitlines()[0], "kill -9")["batches"] == "3"
    assert stint("direct", "", "kill -9")["batches"] == "none"


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    table([{"a": 1, "name": "x"}, {"a": 1000, "name": "y"}])
    assert capsys.readouterr().out == "a     name\n1     x   \n1000  y   \n"
