"""The student's story on the page, with the real jobs: start both, kill one, see it fall behind,
see it come back, let the other take its output over, and see every offset covered once."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PATIENCE, Services
from tests.kit.browsing import Watched, dashboard
from tests.kit.jobs import audit, publish, started

SOON_MS = 120_000 * PATIENCE


def covered(page: Any, both: int, first: int, second: int) -> None:
    """Wait until the page says how many offsets both outputs have, and how many only one."""
    sums = f'#coverage[data-both="{both}"][data-first="{first}"][data-second="{second}"]'
    page.locator(sums).wait_for(timeout=SOON_MS)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_students_story(
    browser: Any, services: Services, topic: str, output: str, tmp_path: Path
) -> None:
    first, second = f"{output}/direct", f"{output}/receiver_based"
    arguments = ("--output", first, "--output", second, "--webhdfs", services.webhdfs)
    publish(services, topic, 600)
    with dashboard(tmp_path / "stores", *arguments) as url:
        watched = Watched(browser, url)
        page = watched.open()
        direct = page.locator('[data-output="direct"]')
        with started(services, tmp_path, "receiver_based", topic, second):
            with started(services, tmp_path, "direct", topic, first) as job:
                covered(page, 600, 0, 0)
                job.kill()
            publish(services, topic, 200)
            covered(page, 600, 0, 200)
            assert float(direct.get_attribute("data-behind")) > 0
            with started(services, tmp_path, "direct", topic, first) as job:
                covered(page, 800, 0, 0)
                assert float(direct.get_attribute("data-behind")) == 0
                job.kill()
            direct.locator('[data-kind="restart"]').wait_for(timeout=SOON_MS)
            publish(services, topic, 100)
            covered(page, 800, 0, 100)
            with started(services, tmp_path, "receiver_based", topic, first):
                covered(page, 900, 0, 0)
        mark = direct.locator('[data-kind="takeover"]')
        assert "receiver_based continued direct's output" in mark.inner_text()
        watched.close()
    for address in (first, second):
        verdict = audit(services, topic, address)
        assert (verdict["published"], verdict["duplicated"], verdict["lost"]) == (900, 0, 0)
