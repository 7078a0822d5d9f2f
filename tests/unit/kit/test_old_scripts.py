"""How tests watch a script that is still writing."""

import os
from pathlib import Path

from tests.kit.old_scripts import Running


def test_a_half_written_line_is_not_output_yet(tmp_path: Path) -> None:
    run = Running(["printf", r"sums [(1, 2)]\nsums [(1"], tmp_path, dict(os.environ))
    assert run.process.wait() == 0
    assert run.out.read_text() == "sums [(1, 2)]\nsums [(1"
    assert run.output() == "sums [(1, 2)]\n"
