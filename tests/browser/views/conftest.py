"""A browser, and a dashboard of two outputs on a real HDFS."""

import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.conftest import Services
from tests.kit.browsing import Watched, chromium, dashboard
from tests.kit.page_places import Place
from tests.kit.published_output import publish, records


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def place(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    base, dice = f"/tests/{uuid.uuid4().hex[:12]}", Random(3)
    found = Place(services.webhdfs, [f"{base}/direct", f"{base}/receiver_based"])
    found.drivers = [found.driver(0, "direct"), found.driver(1, "receiver_based")]
    for seq in range(4):
        batch = records(dice, 200 * seq, 200)
        for driver in found.drivers:
            publish(driver, batch, seq % 3)
    arguments = [word for name in found.names for word in ("--output", f"{services.hdfs}{name}")]
    folder = tmp_path_factory.mktemp("stores")
    with dashboard(folder, *arguments, "--webhdfs", services.webhdfs) as url:
        found.url = url
        yield found


@pytest.fixture
def watched(browser: Any, place: Place) -> Iterator[Watched]:
    made = Watched(browser, place.url)
    yield made
    made.close()
