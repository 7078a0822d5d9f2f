"""The connector's deadlines do not depend on the wall clock, which may be set while a task
waits."""

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["Reader", "ReceiverLoop"])
def test_deadlines_are_not_of_the_wall_clock(name: str) -> None:
    source = (ROOT / "connector" / "java" / "kafkadstreams" / f"{name}.java").read_text(
        encoding="utf-8"
    )
    assert "System.nanoTime()" in source
    assert "currentTimeMillis" not in source and "Instant" not in source
