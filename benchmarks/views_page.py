"""The page in a real browser, on a store that is there (`python -m benchmarks.views big`):

    python -m benchmarks.views_page paint --store FOLDER
    python -m benchmarks.views_page idle --webhdfs URL [--seconds S]
    python -m benchmarks.views_page live --webhdfs URL [--batches N] [--tweets N]
    python -m benchmarks.views_page soak --webhdfs URL --seconds 3600

`paint` measures first paint, the whole map and a redraw; `idle` the processor time and memory of
server and followers while no page is open; `live` the time from the rename on a real HDFS, of a
batch in each of two outputs, to the number on the page; `soak` the growth of the page's heap while
batches come.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from benchmarks.views import OUTPUT
from config.venv import ROOT
from tests.kit.browsing import chromium
from tests.kit.published_output import WebhdfsFiles, opened, publish, tweet


class Published(NamedTuple):
    """The dashboard's arguments, the threads that publish, and when the first output's renames
    were done (ms), by its number of tweets after each."""

    arguments: list[str]
    threads: list[threading.Thread]
    done: dict[str, float]


NOBODY = "http://127.0.0.1:1"
ROUNDS = 9
WATCH = """() => { const jobs = document.getElementById('jobs'); window.seen = {};
new MutationObserver(() => { for (const card of jobs.querySelectorAll('[data-tweets]'))
{ const of = (window.seen[card.dataset.output] ??= {});
of[card.dataset.tweets] ??= Date.now(); } }).observe(jobs, { childList: true }); }"""
REDRAW = """async () => { const times = []; const by = document.getElementById('by');
for (let round = 0; round < 20; round++) { by.selectedIndex = round % 2;
const began = performance.now(); by.dispatchEvent(new Event('change'));
document.getElementById('map').getContext('2d').getImageData(0, 0, 1, 1);
times.push(performance.now() - began); await new Promise((done) => setTimeout(done, 20)); }
return times; }"""
PAINT = """() => ({ paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
bytes: performance.getEntriesByType('resource').concat(
performance.getEntriesByType('navigation')).reduce((sum, each) => sum + each.transferSize, 0) })"""


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """A dashboard's address and process."""
    command = [sys.executable, str(ROOT / "scripts" / "dashboard"), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--store", str(folder), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        url = process.stdout.readline().split()[1]
        time.sleep(3)  # its followers start; what they cost then is no part of the figures
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def paint(folder: Path) -> dict[str, Any]:
    """First paint and whole map, each in a fresh browser context; redraws of the map in one. On a
    crowded machine the best round is nearest to what an idle one does."""
    paints, maps, sizes, redraws = [], [], [], list[float]()
    with served(folder, "--output", OUTPUT, "--webhdfs", NOBODY) as (url, _), chromium() as browser:
        for _ in range(ROUNDS):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            began = time.perf_counter()
            page.goto(url)
            page.locator("#map-says", has_text="Most tweets").wait_for(timeout=60_000)
            maps.append((time.perf_counter() - began) * 1000)
            found = page.evaluate(PAINT)
            paints.append(found["paint"] or 0)
            sizes.append(found["bytes"])
            page.wait_for_timeout(1000)
            redraws += page.evaluate(REDRAW)
            page.context.close()
    return {
        "first_paint_ms": _spread(paints),
        "whole_map_ms": _spread(maps),
        "redraw_ms": _spread(redraws),
        "first_load_bytes": max(sizes),
        "load": round(os.getloadavg()[0], 1),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"best": round(min(values), 1), "median": round(float(np.median(values)), 1)}


def used(pid: int) -> tuple[float, int]:
    """Seconds of processor time and resident bytes of a process and its children."""
    table = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,rss=,cputimes="], capture_output=True, text=True, check=True
    ).stdout
    rows = [[int(word) for word in line.split()] for line in table.splitlines()]
    mine = [row for row in rows if pid in row[:2]]
    seconds = 0.0
    for row in mine:
        fields = Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / 100
    return seconds, sum(row[2] for row in mine) * 1024


def idle(webhdfs: str, seconds: float) -> dict[str, Any]:
    """What the server and a follower of each job's output cost while nothing is published and
    no page is open."""
    folder = tempfile.TemporaryDirectory()
    with folder as name, served(Path(name), "--webhdfs", webhdfs) as (_, pid):
        time.sleep(20)  # the followers have caught up, and ask once per second from then on
        before, _ = used(pid)
        time.sleep(seconds)
        after, memory = used(pid)
    return {"share_of_a_core": round((after - before) / seconds, 4), "bytes": memory}


@contextmanager
def published(webhdfs: str, batches: int, tweets: int, every_s: float) -> Iterator[Published]:
    """Two outputs, and a thread for each that publishes batches of this many tweets."""
    base, done = f"/benchmarks/{uuid.uuid4().hex[:12]}", dict[str, float]()
    names = [f"{base}/direct", f"{base}/receiver_based"]
    drivers = [opened(WebhdfsFiles(webhdfs, name)) for name in names]

    def publishing(number: int) -> None:
        dice = Random(number)
        for seq in range(batches):
            began = time.monotonic()
            publish(drivers[number], [tweet(seq * tweets + n, dice) for n in range(tweets)], 0)
            if number == 0:
                done[str((seq + 1) * tweets)] = time.time() * 1000
            time.sleep(max(every_s - (time.monotonic() - began), 0))

    threads = [threading.Thread(target=publishing, args=(n,), daemon=True) for n in range(2)]
    arguments = [word for name in names for word in ("--output", f"hdfs://127.0.0.1{name}")]
    yield Published([*arguments, "--webhdfs", webhdfs], threads, done)


def live(webhdfs: str, batches: int, tweets: int) -> dict[str, Any]:
    """Milliseconds from the rename of a batch to its number on the page, one batch per second in
    each of two outputs."""
    with (
        published(webhdfs, batches, tweets, 1) as (arguments, threads, done),
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        served(Path(folder), *arguments) as (url, _),
    ):
        page = browser.new_page()
        page.goto(url)
        page.evaluate(WATCH)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            page.wait_for_timeout(200)
        page.wait_for_timeout(3000)
        return delays(page.evaluate("() => window.seen")["direct"], done)


def delays(seen: dict[str, float], done: dict[str, float]) -> dict[str, Any]:
    """From when a number of tweets was published to when the page showed it, both in ms. A page
    that is behind shows a newer number: the older ones are seen by then."""
    times = sorted((int(count), at) for count, at in seen.items())
    late = [
        next(at for count, at in times if count >= int(wanted)) - at_rename
        for wanted, at_rename in done.items()
    ]
    middle, slow = np.percentile(late, (50, 99))
    return {"batches": len(late), "median_ms": round(middle), "p99_ms": round(slow)}


def soak(webhdfs: str, seconds: float) -> dict[str, Any]:
    """What the page's heap has grown by, garbage collected, while batches came for this long."""
    every_s = 2.0
    with (
        published(webhdfs, int(seconds / every_s), 100, every_s) as (arguments, threads, _),
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        served(Path(folder), *arguments) as (url, _),
    ):
        page = browser.new_page()
        page.goto(url)
        heap = page.context.new_cdp_session(page)

        def used_bytes() -> int:
            heap.send("HeapProfiler.collectGarbage")
            return int(heap.send("Runtime.getHeapUsage")["usedSize"])

        for thread in threads:
            thread.start()
        sizes, began = list[int](), time.monotonic()
        while any(thread.is_alive() for thread in threads):
            page.wait_for_timeout(60_000 if seconds > 600 else 5000)
            sizes.append(used_bytes())
            print(f"{time.monotonic() - began:.0f} s: {sizes[-1]:,} bytes", file=sys.stderr)
        shown = page.locator("#located").get_attribute("data-tweets")
    return {
        "seconds": round(time.monotonic() - began),
        "tweets_shown": int(shown),
        "first_bytes": sizes[0],
        "last_bytes": sizes[-1],
        "growth_bytes": sizes[-1] - sizes[0],
    }


def main() -> None:
    """Run one of the measurements and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views_page", description=__doc__)
    parser.add_argument("what", choices=("paint", "idle", "live", "soak"))
    parser.add_argument("--store", type=Path, default=Path("build/benchmarks/views"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--webhdfs", default="http://127.0.0.1:9870")
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--tweets", type=int, default=1000)
    given = parser.parse_args()
    if given.what == "paint":
        found = paint(given.store)
    elif given.what == "idle":
        found = idle(given.webhdfs, given.seconds)
    elif given.what == "soak":
        found = soak(given.webhdfs, given.seconds)
    else:
        found = live(given.webhdfs, given.batches, given.tweets)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
