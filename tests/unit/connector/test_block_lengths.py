"""When the connector's receiver ends its blocks."""

import subprocess
from pathlib import Path

import pytest

from tests.kit.java_programs import java_program

STORE_MS = 100


def lengths(folder: Path, block_ms: int, batch_ms: int) -> list[int]:
    """Of blocks that begin at each millisecond of a second."""
    command = [*java_program("BlockLengths", folder), str(block_ms), str(batch_ms)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [int(line) for line in said.split()]


@pytest.mark.parametrize(("block_ms", "batch_ms"), [(500, 1000), (200, 1000), (300, 1000)])
def test_a_block_ends_when_a_batch_is_about_to(
    tmp_path: Path, block_ms: int, batch_ms: int
) -> None:
    blocks = round(batch_ms / block_ms)
    ends = [batch_ms * n // blocks for n in range(blocks)]
    for now, length in enumerate(lengths(tmp_path, block_ms, batch_ms)):
        assert (now + length + STORE_MS) % batch_ms in ends
        assert batch_ms / blocks / 2 - 1 <= length <= 1.5 * batch_ms / blocks + 1


def test_batches_shorter_than_a_block_change_nothing(tmp_path: Path) -> None:
    assert set(lengths(tmp_path, 500, 200)) == {500}
