"""Pictures of the page for README and docs, and of its states, to be looked at:

    python -m tests.kit.screenshots --url http://127.0.0.1:8780/ --to docs/screenshots

The page at --url in three widths, light and dark; and, by dashboards of its own, the page of an
empty output, of a broken HDFS and of one output only.
"""

import argparse
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from tests.kit.browsing import chromium, dashboard
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import FromFiles, opened, publish, records
from views.follow import Follower, store_path
from views.store.frontier import Store

WIDTHS, SETTLED_MS = (320, 768, 1280), 4000
NOBODY = "http://127.0.0.1:1"


def shoot(browser: Any, url: str, file: Path, width: int, scheme: str, whole: bool) -> None:
    """One picture of the page as it is after some seconds."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=str(file), full_page=whole)
    context.close()
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(128).save(file, optimize=True)
    print(file)


def states(browser: Any, to: Path) -> None:
    """Loading, an empty output, a broken HDFS, and one output only."""
    with tempfile.TemporaryDirectory() as folder:
        place, output = Path(folder), "hdfs://127.0.0.1:1/tweets/direct"
        arguments = ("--output", output, "--webhdfs", NOBODY)
        with dashboard(place, *arguments) as url:
            shoot(browser, url, to / "state-broken-hdfs.png", 1280, "light", False)
        files, dice = MemoryFiles(), Random(1)
        store = Store(store_path(place, output))
        store.begin(None)
        with dashboard(place, *arguments) as url:
            shoot(browser, url, to / "state-empty.png", 1280, "light", False)
        driver = opened(files)
        for seq in range(5):
            publish(driver, records(dice, 300 * seq, 300), seq % 3)
        Follower(FromFiles(files), store).catch_up()
        with dashboard(place, *arguments) as url:
            shoot(browser, url, to / "state-one-output.png", 1280, "dark", True)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit.screenshots", description=__doc__)
    parser.add_argument("--url", help="a dashboard that runs")
    parser.add_argument("--to", type=Path, default=Path("build/screenshots"))
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if not given.url:
            states(browser, given.to)
            return
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                file = given.to / f"page-{width}-{scheme}.png"
                shoot(browser, given.url, file, width, scheme, True)


if __name__ == "__main__":
    main()
