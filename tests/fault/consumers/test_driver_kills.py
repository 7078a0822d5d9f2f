"""kill -9 of both drivers and of their Python workers: at each step of the commit and at random
moments, under load.

FAULT_SEED and FAULT_ROUNDS (kills a slice) choose; a slice that fails leaves its history and logs
in build/fault.
"""

import pytest

from tests.conftest import Services
from tests.kit.faults import slices


def test_killed_at_four_sharp_points(
    services: Services, topic: str, request: pytest.FixtureRequest
) -> None:
    slices.Slice(services, topic, "smoke", 0, request.node.nodeid).run(
        slices.kill_drivers_where_it_hurts
    )


@pytest.mark.long
@pytest.mark.parametrize("turn", range(10), ids=lambda turn: f"driver-{turn}")
def test_killed_drivers_lose_and_double_nothing(
    services: Services, topic: str, turn: int, request: pytest.FixtureRequest
) -> None:
    slices.Slice(services, topic, "driver", turn, request.node.nodeid).run(slices.kill_drivers)


@pytest.mark.long
@pytest.mark.parametrize("turn", range(2), ids=lambda turn: f"worker-{turn}")
def test_drivers_go_on_without_their_killed_workers(
    services: Services, topic: str, turn: int, request: pytest.FixtureRequest
) -> None:
    slices.Slice(services, topic, "worker", turn, request.node.nodeid).run(slices.kill_workers)
