"""Pictures of the page for README and docs, and of its states, to be looked at:

    python -m tests.kit.screenshots [--to docs/screenshots]

Both jobs' outputs, of invented tweets, in three widths, light and dark; then a page that loads, an
empty output, a broken HDFS and one output only. No service is needed.
"""

import argparse
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from consumers import sentiment
from consumers.tweets.parse import Rejected, parse
from consumers.tweets.row import Deleted, Tweet
from producer.sources.sample import sample
from tests.kit.browsing import chromium, dashboard
from tests.kit.memory_files import MemoryFiles
from tests.kit.published_output import Record, opened, publish
from tests.kit.web_files import webhdfs
from views.follow import Follower, store_path
from views.reading import Published
from views.store.frontier import Store

WIDTHS, SETTLED_MS, README_HEIGHT = (320, 768, 1280), 8000, 1700
BATCH, BATCHES, TAKEN_OVER = 500, 36, 30
JOBS = ("direct", "receiver_based")
PATHS = {job: f"/tweets/{job}" for job in JOBS}


def shoot(
    browser: Any,
    url: str,
    file: Path,
    width: int,
    scheme: str,
    prepare: Callable[[Any], None] = lambda _: None,
) -> None:
    """One picture of the page as it is after some seconds."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    prepare(page)
    page.goto(url)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=str(file), full_page=True)
    context.close()
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(128).save(file, optimize=True)
    print(file)


def tweets(count: int) -> list[Record]:
    """Sample tweets with their sentiment, some deletions and rejected records among them."""
    found = [parse(record.value, None, 1 << 20) for record in itertools.islice(sample(1), count)]
    told = [each for each in found if isinstance(each, Tweet)]
    scores = sentiment.score([each.text for each in told])
    out, dice = list[Record](), Random(1)
    for each, score in zip(told, scores, strict=True):
        each.sentiment = score
        out.append(each)
        if dice.random() < 0.01:
            out.append(Deleted(id=each.id))
        if dice.random() < 0.005:
            out.append(Rejected(key=each.id, reason="not_json", raw=b"{"))
    return out


def outputs() -> dict[str, MemoryFiles]:
    """What both jobs published: direct was killed near the end, and receiver_based has taken its
    output over, but for the last batches."""
    files = {job: MemoryFiles() for job in JOBS}
    drivers, given = {job: opened(files[job], job) for job in JOBS}, tweets(BATCH * BATCHES)
    for seq in range(BATCHES):
        batch = given[seq * BATCH : (seq + 1) * BATCH]
        publish(drivers["receiver_based"], batch, seq % 3)
        if seq == TAKEN_OVER:
            drivers["direct"] = opened(files["direct"], "receiver_based")
        if seq < BATCHES - 3:
            publish(drivers["direct"], batch, seq % 3)
    return files


def never(page: Any) -> None:
    """Let the page's questions wait for ever."""
    page.route("**/api/*", lambda _: None)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit.screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("build/screenshots"))
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    files = outputs()
    served = {PATHS[job]: files[job] for job in JOBS} | {"/tweets/empty": MemoryFiles()}
    with chromium() as browser, webhdfs(served) as address, tempfile.TemporaryDirectory() as folder:

        def page(*names: str) -> Any:
            named = [word for name in names for word in ("--output", f"hdfs://host/tweets/{name}")]
            return dashboard(Path(folder), *named, "--webhdfs", address)

        for path in PATHS.values():
            output = f"hdfs://host{path}"
            store = Store(store_path(Path(folder), output))
            Follower(Published(output, address), store).catch_up()
            store.close()
        with page(*JOBS) as url:
            for width, scheme in itertools.product(WIDTHS, ("light", "dark")):
                shoot(browser, url, to / f"page-{width}-{scheme}.png", width, scheme)
            with Image.open(to / "page-1280-light.png") as picture:
                picture.crop((0, 0, 1280, README_HEIGHT)).save(to / "page.png", optimize=True)
            shoot(browser, url, to / "state-loading.png", 1280, "light", never)
        with page("direct") as url:
            shoot(browser, url, to / "state-one-output.png", 1280, "dark")
        with page("empty") as url:
            shoot(browser, url, to / "state-empty.png", 1280, "light")
        address = "http://127.0.0.1:1"
        with page("nothing") as url:
            shoot(browser, url, to / "state-broken-hdfs.png", 1280, "light")


if __name__ == "__main__":
    main()
