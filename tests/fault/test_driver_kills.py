"""kill -9 of the driver, at each step of the commit and at random moments, under load. FAULT_ROUNDS and FAULT_SEED choose."""

import json
import os
from pathlib import Path

import pytest

from consumers import fail_points
from tests.conftest import ROOT, Services
from tests.fault import chaos
from tests.jobs import APPROACHES

SEED = int(os.environ.get("FAULT_SEED", "1"))
EACH_POINT_TWICE = 4 * len(fail_points.NAMES)


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.long
def test_killed_drivers_lose_and_double_nothing(
    services: Services, topic: str, output: str, tmp_path: Path, approach: str
) -> None:
    rounds = int(os.environ.get("FAULT_ROUNDS", EACH_POINT_TWICE))
    figures = chaos.run(services, tmp_path, approach, topic, output, rounds, SEED)
    assert figures["audit"]["in_kafka"] > 1000  # an idle pipeline loses nothing either
    results = ROOT / "build" / "fault"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"driver-kills-{approach}.json").write_text(json.dumps(figures, indent=1))
